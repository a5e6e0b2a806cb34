import type { lookup as dnsLookup } from 'node:dns';
import type { Socket } from 'node:net';
import { checkDuration, checkKeys, type Endpoint } from '@fairlead/core';
import { Attempt, expectSilence, type Abortion } from './attempt.js';
import { authorityOf, toDestination, type Destination } from './destination.js';
import { tunnelByConnect } from './http-tunnel.js';
import { reachTcp, reachTls, type ReachOptions } from './reach.js';
import { resolveForSocks, tunnelBySocks } from './socks-tunnel.js';
import { carry } from './carrier.js';
import type { Inlet } from './inlet.js';
import { canDialByInlet, dialByInlet } from './inlet-dial.js';
import type { Tracker } from './traffic.js';

/** The defaults of `DialSettings`, in one place. */
export const DIAL_DEFAULTS = Object.freeze({ timeoutMs: 30_000 });

/** What all dials through one endpoint have in common. */
export interface DialSettings extends ReachOptions {
  /** One deadline for the whole dial: reaching the proxy, its TLS, its handshake, the tunnel. @default 30_000 */
  readonly timeoutMs?: number;
  /** Counts the bytes on the wire to the proxy. */
  readonly traffic?: Tracker;
  /** Resolves the target's name for `socks4` and `socks5`. @default dns.lookup */
  readonly targetLookup?: typeof dnsLookup;
}

/** Every key of `DialSettings`. */
export const DIAL_SETTING_KEYS = [
  'ca',
  'lookup',
  'timeoutMs',
  'traffic',
  'targetLookup',
] as const satisfies readonly (keyof DialSettings)[];

/** Refuses what cannot be meant, where a caller's own options come in. */
export function checkDialSettings({ timeoutMs }: Pick<DialSettings, 'timeoutMs'>): void {
  if (timeoutMs !== undefined) checkDuration(timeoutMs, 'timeoutMs');
}

export interface DialOptions extends DialSettings {
  /** The target's host name or address. */
  readonly host: string;
  readonly port: number;
  readonly signal?: Abortion;
  /** Under which session the bytes are counted. */
  readonly session?: string;
  /** Takes what comes back past the stream, for who only passes it on. One inlet serves one dial. */
  readonly inlet?: Inlet;
}

const DIAL_OPTION_KEYS = [
  ...DIAL_SETTING_KEYS,
  'host',
  'port',
  'signal',
  'session',
  'inlet',
] as const satisfies readonly (keyof DialOptions)[];

/**
 * Opens a socket to a target through a proxy. It fails with a `DialError` and with nothing else but a refusal of its
 * options, by its deadline, and then leaves no socket behind.
 */
export async function dial(endpoint: Endpoint, options: DialOptions): Promise<Socket> {
  checkKeys(options, DIAL_OPTION_KEYS, '');
  checkDialSettings(options);
  return open(endpoint, options, 'tunnel');
}

/** The same for options that have been looked at. */
export function dialTunnel(endpoint: Endpoint, options: DialOptions): Promise<Socket> {
  return open(endpoint, options, 'tunnel');
}

/** Opens a socket to the proxy itself, for requests in absolute form. */
export function dialProxy(endpoint: Endpoint, options: DialOptions): Promise<Socket> {
  return open(endpoint, options, 'absolute');
}

function open(endpoint: Endpoint, options: DialOptions, via: 'tunnel' | 'absolute'): Promise<Socket> {
  const { inlet } = options;
  if (inlet === undefined || via === 'absolute' || !canDialByInlet(endpoint, options)) {
    return openByStream(endpoint, options, via);
  }
  return dialByInlet(endpoint, inlet, options, options.timeoutMs ?? DIAL_DEFAULTS.timeoutMs);
}

async function openByStream(endpoint: Endpoint, options: DialOptions, via: 'tunnel' | 'absolute'): Promise<Socket> {
  const destination = toDestination(options.host, options.port);
  const attempt = new Attempt(options.timeoutMs ?? DIAL_DEFAULTS.timeoutMs, options.signal);
  try {
    const socket = await openWithin(endpoint, destination, options, via, attempt);
    attempt.finish();
    return socket;
  } finally {
    attempt.release();
  }
}

async function openWithin(
  endpoint: Endpoint,
  destination: Destination,
  options: DialOptions,
  via: 'tunnel' | 'absolute',
  attempt: Attempt,
): Promise<Socket> {
  const { url } = endpoint;
  const socks = url.scheme.startsWith('socks');
  const goal = socks ? await resolveForSocks(endpoint, destination, options, attempt) : destination;
  const raw = await reachTcp(endpoint, options, attempt);
  const flow = options.traffic?.track(raw, {
    endpoint: endpoint.id,
    target: destination.host,
    authority: authorityOf(destination),
    session: options.session,
  });
  const socket = url.scheme === 'https' ? await reachTls(endpoint, raw, options, attempt) : raw;
  carry(socket, { via, destination, flow });
  if (via === 'absolute') return socket;
  attempt.enter(socks && !url.scheme.startsWith('socks4') ? 'proxy-handshake' : 'tunnel');
  await expectSilence(socket, attempt);
  if (!socks) return tunnelByConnect(socket, goal, url.credentials(), attempt);
  const timeoutMs = options.timeoutMs ?? DIAL_DEFAULTS.timeoutMs;
  return tunnelBySocks(endpoint, socket, goal, { ...options, timeoutMs }, attempt);
}
