import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { toEndpoint } from '@fairlead/core';
import { seededRandom } from '@fairlead/core/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dial } from './dial.js';

let server: Server | undefined;
const unhandled: unknown[] = [];
const note = (error: unknown) => void unhandled.push(error);
beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', note);
});
afterEach(() => {
  process.off('unhandledRejection', note);
  server?.close();
});

/** A proxy that says these packets, each when it has heard something, and then closes. */
async function saying(packetsOf: () => readonly Uint8Array[]): Promise<number> {
  const sockets = new Set<Socket>();
  server = createServer((socket) => {
    const packets = [...packetsOf()];
    sockets.add(socket.setNoDelay(true));
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    const say = () => {
      const packet = packets.shift();
      if (packet === undefined) socket.end();
      // Unasked after a while: an engine that waits for more says nothing.
      else socket.write(packet, () => setImmediate(() => setImmediate(say)));
    };
    socket.once('data', say).resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** What became of a dial: the code of its error, or `tunnel`. */
async function fate(scheme: string, port: number): Promise<string> {
  const endpoint = toEndpoint(`${scheme}://user:secret@127.0.0.1:${port}`, 'the test');
  return dial(endpoint, { host: 'x.test', port: 443, timeoutMs: 20_000 }).then(
    (socket) => {
      socket.on('error', () => {}).destroy();
      return 'tunnel';
    },
    (error: Error & { code: string }) => {
      expect(error).toMatchObject({ name: 'DialError' });
      return error.code;
    },
  );
}

/** Rejections that nobody takes are told in a turn of their own. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
}

test('bytes that come with the yes to a password end the dial and nothing more', async () => {
  const port = await saying(() => [Uint8Array.of(5, 2), Uint8Array.of(1, 0, 0, 0)]);
  expect(await fate('socks5h', port)).toBe('PROXY_PROTOCOL');
  await settled();
  expect(unhandled).toEqual([]);
});

/** What a proxy says at each step when it is well, and what it had better not. */
const PHRASES = [
  [5, 0],
  [5, 2],
  [1, 0],
  [1, 1],
  [5, 0, 0, 1, 0, 0, 0, 0, 0, 0],
  [5, 0, 0, 3, 4],
  [5, 0, 0, 9, 0],
  [5, 5, 0, 1, 0, 0, 0, 0, 0, 0],
  [0, 90, 0, 0, 0, 0, 0, 0],
  [0, 91, 0, 0, 0, 0, 0, 0],
];

test.each(['socks5h', 'socks4a'])(
  '%s: 600 proxies that say anything at all get a DialError, or a tunnel',
  async (scheme) => {
    const random = seededRandom(3);
    const upTo = (n: number) => Math.floor(random() * n);
    const phrase = () =>
      random() < 0.8 ? PHRASES[upTo(PHRASES.length)]! : Array.from({ length: upTo(12) }, () => upTo(256));
    // A good start most of the time: the depths are further in.
    const packet = () => Uint8Array.from(Array.from({ length: 1 + upTo(3) }, phrase).flat());
    const packets = () => [
      ...(random() < 0.7 ? [Uint8Array.of(5, 2)] : []),
      ...(random() < 0.5 ? [Uint8Array.of(1, 0)] : []),
      ...Array.from({ length: upTo(4) }, packet),
    ];
    const port = await saying(packets);
    const fates: string[] = [];
    const work = async () => {
      for (let n = 0; n < 75; n += 1) fates.push(await fate(scheme, port));
    };
    await Promise.all(Array.from({ length: 8 }, work));
    await settled();
    expect(unhandled).toEqual([]);
    expect(new Set(fates).size).toBeGreaterThan(3);
  },
);
