import { once } from 'node:events';
import { connect, isIPv4, type Socket } from 'node:net';
import type { GatewayHandle } from '@fairlead/gateway';

/** A name, as a request of SOCKS5 holds it. */
export function socksName(name: string): Buffer {
  const bytes = Buffer.from(name);
  return Buffer.concat([Buffer.from([3, bytes.length]), bytes]);
}

/** An address, as a request of SOCKS5 holds it. */
export function socksAddress(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from([1, ...address.split('.').map(Number)]);
  const [left = '', right = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const [before, after] = [left, right].map((part) => part.split(':').filter(Boolean));
  const zeros = Array<string>(8 - before!.length - after!.length).fill('0');
  const words = [...before!, ...zeros, ...after!].map((word) => Number.parseInt(word, 16));
  return Buffer.from([4, ...words.flatMap((word) => [word >> 8, word & 255])]);
}

export interface SocksAnswer {
  readonly socket: Socket;
  /** 0 is a tunnel. -1 is a conversation that ended before. */
  readonly reply: number;
}

/** Speaks SOCKS5 to a gateway up to its reply. -1 is a greeting that was refused. */
export async function openBySocks(
  { socksUrl }: GatewayHandle,
  place: Buffer,
  port: number,
  login?: readonly [user: string, password: string],
): Promise<SocksAnswer> {
  const socket = connect(Number(new URL(socksUrl!).port), '127.0.0.1');
  socket.on('error', () => undefined);
  const hear = async (): Promise<Buffer> => {
    const [heard] = (await Promise.race([once(socket, 'data'), once(socket, 'close')])) as [Buffer | boolean];
    return Buffer.isBuffer(heard) ? heard : Buffer.alloc(0);
  };
  socket.write(Buffer.from([5, 1, login === undefined ? 0 : 2]));
  if ((await hear())[1] === 0xff) return { socket, reply: -1 };
  if (login !== undefined) {
    const [user, password] = login.map((text) => Buffer.from(text)) as [Buffer, Buffer];
    socket.write(Buffer.concat([Buffer.from([1, user.length]), user, Buffer.from([password.length]), password]));
    if ((await hear())[1] !== 0) return { socket, reply: -1 };
  }
  socket.write(Buffer.concat([Buffer.from([5, 1, 0]), place, Buffer.from([port >> 8, port & 255])]));
  return { socket, reply: (await hear())[1] ?? -1 };
}
