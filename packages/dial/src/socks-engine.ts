import type { Endpoint } from '@fairlead/core';
import { SocksClient } from 'socks';
import { SocksProxyAgent } from 'socks-proxy-agent';
import type { Destination } from './destination.js';

/** What of the engine's private state is looked at: how far it came, and what it has received and not used. */
interface EngineState {
  readonly state?: number;
  readonly receiveBuffer?: { readonly length: number; get(length: number): Buffer; peek(length: number): Buffer };
}

/** `SentFinalHandshake` and `ReceivedFinalResponse` of the engine: the proxy may be waiting for the target. */
const ASKED: ReadonlySet<unknown> = new Set([7, 8]);

export interface SocksRules {
  readonly version: 4 | 5;
  /** Whether names are resolved here, as `socks4` and `socks5` say, or at the proxy. */
  readonly resolvesHere: boolean;
}

/** socks-proxy-agent's reading of a scheme. */
export function socksRules(endpoint: Endpoint): SocksRules {
  // Without credentials: the agent would keep the URL it is given.
  const { shouldLookup, proxy } = new SocksProxyAgent(`${endpoint.url.scheme}://proxy.invalid:1080`);
  return { version: proxy.type, resolvesHere: shouldLookup };
}

/** The engine, set up for one exchange on a socket that is already connected. */
export function socksEngine(
  endpoint: Endpoint,
  version: 4 | 5,
  destination: Destination,
  timeout: number,
): SocksClient {
  const { host, port } = endpoint.url;
  const credentials = endpoint.url.credentials();
  const login = credentials && { userId: credentials.username, password: credentials.password };
  return new SocksClient({
    proxy: { host, port, type: version, ...login },
    destination: { host: destination.host, port: destination.port },
    command: 'connect',
    timeout,
  });
}

export function hasAsked(engine: SocksClient): boolean {
  return ASKED.has((engine as unknown as EngineState).state);
}

/** The first two bytes of the answer that the engine has just refused: version and reply. */
export function refusedReply(engine: SocksClient): readonly [version: number, reply: number] | undefined {
  const { receiveBuffer } = engine as unknown as EngineState;
  if (receiveBuffer === undefined || receiveBuffer.length < 2) return undefined;
  const head = receiveBuffer.peek(2);
  return [head[0] ?? 0, head[1] ?? 0];
}

/** What came after the answer: the tunnel's first bytes. */
export function earlyBytes(engine: SocksClient): Buffer | undefined {
  const { receiveBuffer } = engine as unknown as EngineState;
  return receiveBuffer !== undefined && receiveBuffer.length > 0 ? receiveBuffer.get(receiveBuffer.length) : undefined;
}

/**
 * The engine's timer outlives the exchange and holds the engine: it must hold neither socket nor credentials. Its reading of
 * a password's yes ends a turn later, and asks for the tunnel even if more bytes have ended the exchange meanwhile.
 */
export function emptyEngine(engine: SocksClient): void {
  Object.assign(engine, {
    options: {},
    socket: undefined,
    receiveBuffer: undefined,
    sendSocks5CommandRequest: ignore,
  });
}

function ignore(): void {}
