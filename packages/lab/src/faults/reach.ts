import type { Socket } from 'node:net';
import { parseAuthority } from '../net/destination.js';
import { readUntil } from '../net/read.js';
import { basicCredentials } from '../proxies/credentials.js';
import type { ProxyRequest } from '../proxies/proxy-request.js';
import * as wire from '../proxies/socks-wire.js';
import type { Moment } from './fault.js';
import { ESTABLISHED } from './http-faults.js';
import { GRANTED_4, GRANTED_5 } from './socks-faults.js';

/** Plays a proper proxy up to that moment. Resolves with what was asked, once it was. */
export async function reachRequest(
  kind: string,
  moment: Moment,
  socket: Socket,
  authenticate: boolean,
): Promise<ProxyRequest | undefined> {
  if (kind === 'http') return reachHttp(moment, socket);
  return kind === 'socks4' ? reachSocks4(moment, socket) : reachSocks5(moment, socket, authenticate);
}

async function reachHttp(moment: Moment, socket: Socket): Promise<ProxyRequest> {
  const head = (await readUntil(socket, '\r\n\r\n')).toString('latin1');
  const [method, uri = ''] = head.split(' ', 2);
  const credentials = basicCredentials(/^proxy-authorization: *(.*)\r$/im.exec(head)?.[1]);
  if (moment === 'tunnel') socket.write(ESTABLISHED);
  const authority = method === 'CONNECT' ? uri : new URL(uri).host;
  return {
    form: method === 'CONNECT' ? 'connect' : 'absolute',
    ...parseAuthority(/:\d+$/.test(authority) ? authority : `${authority}:80`),
    ...(credentials && { credentials }),
  };
}

async function reachSocks5(moment: Moment, socket: Socket, authenticate: boolean): Promise<ProxyRequest | undefined> {
  await wire.readVersion(socket);
  const offered = await wire.readMethods(socket);
  if (moment === 'greeting') return undefined;
  const asks = authenticate && offered.includes(wire.USER_PASSWORD);
  socket.write(wire.methodReply(asks ? wire.USER_PASSWORD : wire.NO_AUTH));
  const credentials = asks ? await wire.readUserPassword(socket) : undefined;
  if (moment === 'auth') return undefined;
  if (asks) socket.write(wire.authReply(0));
  const { host, port } = await wire.readRequest(socket);
  if (moment === 'tunnel') socket.write(GRANTED_5);
  return { form: 'socks5', host, port, ...(credentials && { credentials }) };
}

async function reachSocks4(moment: Moment, socket: Socket): Promise<ProxyRequest> {
  await wire.readVersion(socket);
  const { host, port, user, named } = await wire.readSocks4Request(socket);
  if (moment === 'tunnel') socket.write(GRANTED_4);
  return { form: named ? 'socks4a' : 'socks4', host, port, ...(user && { credentials: { user, password: '' } }) };
}
