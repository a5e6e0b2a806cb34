import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** A UDP port that counts what arrives there and answers nothing: where a browser's WebRTC would ask for its address. */
export interface StunServer {
  readonly host: string;
  readonly port: number;
  /** Datagrams so far. */
  readonly packets: number;
  /** Resolves at the next datagram. */
  packet(): Promise<void>;
  close(): Promise<void>;
}

export async function startStunServer(host = '127.0.0.1'): Promise<StunServer> {
  const socket = createSocket('udp4');
  let packets = 0;
  socket.on('message', () => (packets += 1));
  socket.bind(0, host);
  await once(socket, 'listening');
  const { port } = socket.address();
  return {
    host,
    port,
    get packets() {
      return packets;
    },
    packet: async () => void (await once(socket, 'message')),
    close: () => new Promise((resolve) => socket.close(resolve)),
  };
}
