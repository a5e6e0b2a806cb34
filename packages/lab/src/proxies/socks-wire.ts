import type { Socket } from 'node:net';
import type { Destination } from '../net/destination.js';
import { readExactly } from '../net/read.js';
import type { Credentials } from './credentials.js';

// RFC 1928 and 1929, and the SOCKS 4 and 4A notes: the server's side, one function a message.

export const NO_AUTH = 0x00;
export const USER_PASSWORD = 0x02;
export const NO_ACCEPTABLE_METHOD = 0xff;

/** Reads the first byte of either protocol. */
export async function readVersion(socket: Socket): Promise<number> {
  return byte(socket);
}

/** The methods a SOCKS 5 client offers, its version byte already read. */
export async function readMethods(socket: Socket): Promise<readonly number[]> {
  return [...(await readExactly(socket, await byte(socket)))];
}

export async function readUserPassword(socket: Socket): Promise<Credentials> {
  await byte(socket);
  const user = await text(socket, await byte(socket));
  return { user, password: await text(socket, await byte(socket)) };
}

/** What a SOCKS 5 client asks for, from its version byte on. */
export async function readRequest(socket: Socket): Promise<Destination & { readonly command: number }> {
  const [, command = 0, , kind] = await readExactly(socket, 4);
  const host = await readHost(socket, kind ?? 0);
  return { command, host, port: (await readExactly(socket, 2)).readUInt16BE() };
}

async function readHost(socket: Socket, kind: number): Promise<string> {
  if (kind === 1) return (await readExactly(socket, 4)).join('.');
  if (kind === 3) return text(socket, await byte(socket));
  const groups = await readExactly(socket, 16);
  const long = Array.from({ length: 8 }, (_, i) => groups.readUInt16BE(2 * i).toString(16)).join(':');
  // URL writes an IPv6 address the short way, as everyone else does.
  return new URL(`http://[${long}]`).hostname.slice(1, -1);
}

/** What a SOCKS 4 or 4A client asks for, its version byte already read. */
export async function readSocks4Request(
  socket: Socket,
): Promise<Destination & { readonly user: string; readonly named: boolean }> {
  const head = await readExactly(socket, 7);
  const user = await terminated(socket);
  const address = head.subarray(3);
  // 0.0.0.x with x other than 0 is 4A's sign that a name follows the user.
  const named = address.readUInt32BE() < 256 && address[3] !== 0;
  return { host: named ? await terminated(socket) : address.join('.'), port: head.readUInt16BE(1), user, named };
}

export function methodReply(method: number): Buffer {
  return Buffer.from([5, method]);
}

export function authReply(status: number): Buffer {
  return Buffer.from([1, status]);
}

/** A SOCKS 5 reply; the address it says it is bound to is 0.0.0.0, or ::, or a name. */
export function socks5Reply(code: number, bound: '0.0.0.0' | '::' | 'name' = '0.0.0.0'): Buffer {
  const address = {
    '0.0.0.0': [1, 0, 0, 0, 0],
    '::': [4, ...Array<number>(16).fill(0)],
    name: [3, 3, 0x6c, 0x61, 0x62],
  };
  return Buffer.from([5, code, 0, ...address[bound], 0, 0]);
}

export function socks4Reply(code: number): Buffer {
  return Buffer.from([0, code, 0, 0, 0, 0, 0, 0]);
}

/** The reply code that tells why a connection to the target failed. */
export function socks5Code(error: NodeJS.ErrnoException): number {
  if (error.code === 'ECONNREFUSED') return 5;
  if (error.code === 'ENOTFOUND' || error.code === 'EHOSTUNREACH') return 4;
  return error.code === 'ENETUNREACH' ? 3 : 1;
}

async function byte(socket: Socket): Promise<number> {
  return (await readExactly(socket, 1))[0] ?? 0;
}

async function text(socket: Socket, size: number): Promise<string> {
  return (await readExactly(socket, size)).toString('utf8');
}

async function terminated(socket: Socket): Promise<string> {
  const bytes: number[] = [];
  for (let next = await byte(socket); next !== 0; next = await byte(socket)) bytes.push(next);
  return Buffer.from(bytes).toString('utf8');
}
