import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** How a proxy feels: `good`, or one way to be bad at new connections. `drop` also ends those it has. */
export const MOODS = ['close', 'reset', 'mute', 'busy', 'denied', 'garbage', 'drop'] as const;
export type Mood = 'good' | (typeof MOODS)[number];

export interface MoodyProxy {
  readonly url: string;
  mood: Mood;
  close(): void;
}

const WORDS: Partial<Record<Mood, string>> = {
  busy: 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n',
  denied: 'HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n',
  garbage: 'SSH-2.0-OpenSSH_9.2\r\n',
};

/** A proxy at a lasting address whose behaviour changes; when it is good, a real one does its work. */
export async function startMoodyProxy(realPort: number): Promise<MoodyProxy> {
  let mood: Mood = 'good';
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    if (mood === 'close' || mood === 'drop') return void socket.destroy();
    if (mood === 'reset') return void socket.resetAndDestroy();
    if (mood === 'mute') return void socket.resume();
    const words = WORDS[mood];
    if (words !== undefined) return void socket.once('data', () => socket.end(words));
    const real = connect(realPort, '127.0.0.1');
    real.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.on('close', () => real.destroy());
    socket.pipe(real).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get mood() {
      return mood;
    },
    set mood(next) {
      mood = next;
      if (next === 'drop') for (const socket of sockets) socket.destroy();
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
