import { createServer, type Server, type Socket } from 'node:net';
import type { AccessLog } from './access-log.js';
import type { ConnectionGate } from './connection-gate.js';
import { toDestination, type Destination } from './destination.js';
import type { Client, Doorman } from './doorman.js';
import { Refusal, refusalOf } from './refusal.js';
import { SocksReader } from './socks-reader.js';
import type { TunnelFront } from './tunnel-front.js';

interface SocksFrontParts {
  readonly gate: ConnectionGate;
  readonly doorman: Doorman;
  readonly tunnels: TunnelFront;
  readonly log: AccessLog;
  readonly headerTimeoutMs: number;
}

const VERSION = 5;
const NO_AUTHENTICATION = 0;
const USER_AND_PASSWORD = 2;
const NONE_ACCEPTABLE = 0xff;

/** The listener for clients that speak SOCKS5: tunnels by name or address, with or without a password. */
export function createSocksFront(parts: SocksFrontParts): Server {
  return createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    if (parts.gate.enter(socket)) serve(socket, parts).catch(() => socket.destroy());
    else socket.destroy();
  });
}

async function serve(socket: Socket, parts: SocksFrontParts): Promise<void> {
  const impatience = setTimeout(() => socket.destroy(), parts.headerTimeoutMs);
  const reader = new SocksReader(socket);
  const access = parts.log.begin('socks');
  try {
    const client = await greet(socket, reader, parts.doorman);
    access.client = client;
    const destination = await readRequest(reader);
    clearTimeout(impatience);
    const caller = { client, socket, head: reader.end() };
    await new Promise<void>((stands, refuse) => {
      const answer = (): void => {
        socket.write(reply(0));
        stands();
      };
      parts.tunnels.open(access, caller, destination, answer, refuse);
    });
  } catch (error) {
    clearTimeout(impatience);
    reader.end();
    const refusal = refusalOf(error);
    access.end({ status: refusal.status, code: refusal.code });
    if (!(error instanceof SilentEnd)) socket.write(reply(replyOf(refusal)));
    socket.resume().end();
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  }
}

const LINGER_MS = 2000;

/** What was wrong has been said already, in the words of the greeting. */
class SilentEnd extends Refusal {}

async function greet(socket: Socket, reader: SocksReader, doorman: Doorman): Promise<Client> {
  const [version, count] = (await reader.read(2)) as unknown as [number, number];
  if (version !== VERSION) throw new SilentEnd(400, 'BAD_REQUEST', 'this is not SOCKS5');
  const offered = await reader.read(count);
  // Who offers a password has one, and its user name may hold wishes.
  if (offered.includes(USER_AND_PASSWORD)) {
    socket.write(Buffer.from([VERSION, USER_AND_PASSWORD]));
    return authenticate(socket, reader, doorman);
  }
  if (!offered.includes(NO_AUTHENTICATION) || doorman.wantsCredentials) {
    socket.write(Buffer.from([VERSION, NONE_ACCEPTABLE]));
    throw new SilentEnd(407, 'UNAUTHORIZED', 'this gateway wants a user name and a password');
  }
  socket.write(Buffer.from([VERSION, NO_AUTHENTICATION]));
  return doorman.admitAnonymous();
}

async function authenticate(socket: Socket, reader: SocksReader, doorman: Doorman): Promise<Client> {
  const [, nameLength] = (await reader.read(2)) as unknown as [number, number];
  const name = (await reader.read(nameLength)).toString('utf8');
  const [passwordLength = 0] = await reader.read(1);
  const password = (await reader.read(passwordLength)).toString('utf8');
  try {
    const client = doorman.admitPair(name, password, socket);
    socket.write(Buffer.from([1, 0]));
    return client;
  } catch (error) {
    const { status, code, message } = refusalOf(error);
    socket.write(Buffer.from([1, 1]));
    throw new SilentEnd(status, code, message);
  }
}

async function readRequest(reader: SocksReader): Promise<Destination> {
  const [, command, , kind] = await reader.read(4);
  const host = await readHost(reader, kind);
  const port = (await reader.read(2)).readUInt16BE(0);
  if (command !== 1) throw new Refusal(405, 'COMMAND_REFUSED', 'only CONNECT is spoken here');
  return toDestination(host, port, 'https:');
}

async function readHost(reader: SocksReader, kind: number | undefined): Promise<string> {
  if (kind === 1) return (await reader.read(4)).join('.');
  if (kind === 3) {
    const [length = 0] = await reader.read(1);
    const name = (await reader.read(length)).toString('utf8');
    // A name is a word: whatever else a URL can hold means something else there.
    if (/[\s/?#@\\:[\]]/.test(name)) throw new Refusal(400, 'INVALID_TARGET', 'the target is not a name');
    return name;
  }
  if (kind === 4) {
    const words = (await reader.read(16)).toString('hex').match(/.{4}/g) ?? [];
    return words.join(':');
  }
  throw new Refusal(400, 'ADDRESS_REFUSED', 'the address is of no known kind');
}

const REPLIES: Readonly<Record<string, number>> = {
  PRIVATE_TARGET: 2,
  TARGET_REFUSED: 2,
  PORT_REFUSED: 2,
  COMMAND_REFUSED: 7,
  ADDRESS_REFUSED: 8,
  TARGET_LOOKUP: 4,
  TARGET_CONNECT: 5,
  TARGET_TIMEOUT: 4,
  PROXY_TIMEOUT: 4,
};

function replyOf({ code }: Refusal): number {
  return REPLIES[code] ?? 1;
}

/** Where it is bound is nobody's to know. */
function reply(code: number): Buffer {
  return Buffer.from([VERSION, code, 0, 1, 0, 0, 0, 0, 0, 0]);
}
