import { lookup as dnsLookup } from 'node:dns';
import { isIP, isIPv6, type Socket } from 'node:net';
import type { Endpoint } from '@fairlead/core';
import type { Attempt } from './attempt.js';
import type { Destination } from './destination.js';
import { emptyEngine, earlyBytes, hasAsked, refusedReply, socksEngine, socksRules } from './socks-engine.js';
import { node, NO_SUCH_NAME } from './reach.js';
import { failureOfSocks } from './socks-failure.js';

export interface SocksOptions {
  readonly timeoutMs: number;
  /** Resolves the target's name for `socks4` and `socks5`. @default dns.lookup */
  readonly targetLookup?: typeof dnsLookup;
}

/** Resolves the target's name here, where the scheme says so, before anything is opened. */
export async function resolveForSocks(
  endpoint: Endpoint,
  destination: Destination,
  { targetLookup = dnsLookup }: Pick<SocksOptions, 'targetLookup'>,
  attempt: Attempt,
): Promise<Destination> {
  const { version, resolvesHere } = socksRules(endpoint);
  if (resolvesHere && isIP(destination.host) === 0) {
    const host = await lookUp(destination.host, version, targetLookup, attempt);
    return { host, port: destination.port };
  }
  // The engine would send it as a name, which no SOCKS4 proxy understands.
  if (version === 4 && isIPv6(destination.host)) await attempt.step(({ fail }) => fail(NO_IPV6));
  return destination;
}

const NO_IPV6 = {
  code: 'PROXY_TUNNEL',
  fault: 'endpoint',
  phase: 'tunnel',
  message: 'SOCKS4 cannot carry an IPv6 address',
} as const;

function lookUp(name: string, version: 4 | 5, lookup: typeof dnsLookup, attempt: Attempt): Promise<string> {
  return attempt.step(({ done, fail }) => {
    lookup(name, { family: version === 4 ? 4 : 0 }, (error, address) => {
      if (error === null) return done(address);
      fail({
        code: 'TARGET_LOOKUP',
        // Every other answer is our own name server's trouble.
        fault: NO_SUCH_NAME.has(error.code ?? '') ? 'target' : 'unclear',
        phase: 'tunnel',
        message: `the target's name does not resolve here`,
        ...node(error.code),
      });
    });
  });
}

/** Asks a SOCKS proxy for a tunnel, by socks-proxy-agent's engine on a socket of ours. */
export function tunnelBySocks(
  endpoint: Endpoint,
  socket: Socket,
  destination: Destination,
  { timeoutMs }: SocksOptions,
  attempt: Attempt,
): Promise<Socket> {
  const { version } = socksRules(endpoint);
  return attempt.step(({ done, fail }) => {
    // Ours fires first; the engine's own timer cannot be stopped.
    const engine = socksEngine(endpoint, version, destination, Math.min(timeoutMs, MAX_WAIT) + 1000);
    attempt.enter(() => (version === 4 || hasAsked(engine) ? 'tunnel' : 'proxy-handshake'));
    // Before the engine's own listeners, while it still knows how far it had come.
    const onGone = () => attempt.enter(attempt.phase);
    socket.once('error', onGone).once('close', onGone);
    engine.on('error', ({ message }) => {
      fail(failureOfSocks(message, refusedReply(engine)));
      emptyEngine(engine);
    });
    engine.connect(socket);
    // The engine's own listener emits early bytes before anyone reads, and sets the socket flowing.
    engine.removeAllListeners('established');
    engine.once('established', ({ remoteHost }) => {
      // The engine takes an address type it does not know for a yes, and leaves the answer unread.
      if (version === 5 && remoteHost === undefined) {
        emptyEngine(engine);
        return fail(failureOfSocks('Socks5 proxy rejected connection', undefined));
      }
      socket.off('error', onGone).off('close', onGone);
      const early = earlyBytes(engine);
      emptyEngine(engine);
      if (early !== undefined) socket.unshift(early);
      rest(socket);
      done(socket);
    });
  });
}

const MAX_WAIT = 600_000;

/** Neither flowing nor paused, as a new socket is: the engine leaves it paused, and HTTP would wait for ever. */
function rest(socket: Socket): void {
  (socket as { readableFlowing: boolean | null }).readableFlowing = null;
}
