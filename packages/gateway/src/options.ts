import type { TargetTlsOptions, DialSettings } from '@fairlead/dial';
import { checkDuration, checkInteger, checkKeys, ConfigurationError, ownOptions, type Pool } from '@fairlead/core';
import type { AccessRecord } from './access-log.js';
import type { KeyOptions, UserOptions } from './accounts.js';
import type { DirectOptions } from './direct-rules.js';
import type { Resolve } from './private-networks.js';

export interface GatewayOptions extends DirectOptions {
  /** Which proxies carry what comes in. */
  readonly pool: Pool;
  /** People who may use it: a password each, or `{ password, targets }`. @default {} */
  readonly users?: Readonly<Record<string, string | UserOptions>>;
  /** Programs that may: a secret of 16 characters or more each, or `{ key, name, targets }`. @default [] */
  readonly keys?: readonly (string | KeyOptions)[];
  /** Whether clients without credentials may use it; only ever on loopback. @default true without users and keys, else false */
  readonly anonymous?: boolean;
  /** Ports a tunnel may lead to. @default [443] */
  readonly ports?: 'all' | readonly number[];
  /** Networks that are private and may be reached all the same, such as `10.1.0.0/16`; `'all'` switches the guard off. @default [] */
  readonly allowPrivate?: 'all' | readonly string[];
  /** How plain requests go through a proxy: a tunnel tells its faults from the target's, absolute form lets it see them. @default 'tunnel' */
  readonly plain?: 'tunnel' | 'absolute';
  /** Resolves names of targets that are reached directly. @default dns.lookup */
  readonly resolve?: Resolve;
  /** How the proxies themselves are reached. */
  readonly dial?: Pick<DialSettings, 'ca' | 'lookup' | 'traffic'>;
  /** TLS to targets in header-target mode, such as `ca`. */
  readonly tls?: TargetTlsOptions;
  /** How long a client waits for its tunnel, over however many proxies. @default 30_000 */
  readonly connectTimeoutMs?: number;
  /** A tunnel through which nothing moves for so long is closed. @default 300_000 */
  readonly idleMs?: number;
  /** A client has so long to send the head of a request. @default 10_000 */
  readonly headerTimeoutMs?: number;
  /** A client that stops in the middle of a body is given up after this. @default 30_000 */
  readonly bodyIdleMs?: number;
  /** @default 1 GiB */
  readonly maxBodyBytes?: number;
  /** Clients connected at once; more are answered 503. @default 20_000 */
  readonly maxConnections?: number;
  /** Of these from one address. @default half of `maxConnections` */
  readonly maxPerPeer?: number;
  /** Tickets valid at once; an unused one gives way. @default 10_000 */
  readonly maxTickets?: number;
  /** For so long a tunnel of a ticket that `reports` is held for no success. @default 30_000 */
  readonly reportDueMs?: number;
  /** How long `close` waits for what is under way. @default 30_000 */
  readonly drainMs?: number;
  /** Told of each request and tunnel when it is over. */
  readonly onAccess?: (record: AccessRecord) => void;
}

export interface ListenOptions {
  /** @default 0, any that is free */
  readonly port?: number;
  /** Also speak SOCKS5, on this port; 0 is any that is free. @default no SOCKS */
  readonly socksPort?: number;
  /** An address beyond loopback needs `users` or `keys`. @default '127.0.0.1' */
  readonly host?: string;
}

/** The scalar defaults of `GatewayOptions`, in one place. */
export const GATEWAY_DEFAULTS = Object.freeze({
  connectTimeoutMs: 30_000,
  idleMs: 300_000,
  headerTimeoutMs: 10_000,
  bodyIdleMs: 30_000,
  maxBodyBytes: 2 ** 30,
  maxConnections: 20_000,
  maxTickets: 10_000,
  reportDueMs: 30_000,
  drainMs: 30_000,
});

type Scalars = { readonly [K in keyof typeof GATEWAY_DEFAULTS]: number };

/** The options as the gateway reads them: checked, and complete. */
export interface ResolvedOptions extends Scalars {
  readonly pool: Pool;
  readonly users: NonNullable<GatewayOptions['users']>;
  readonly keys: NonNullable<GatewayOptions['keys']>;
  readonly anonymous: boolean;
  readonly mayTunnelTo: (port: number) => boolean;
  readonly maxPerPeer: number;
  readonly rest: GatewayOptions;
}

const KEYS: readonly string[] = [
  'pool',
  'users',
  'keys',
  'anonymous',
  'ports',
  'direct',
  'proxied',
  'allowPrivate',
  'plain',
  'resolve',
  'dial',
  'tls',
  'maxPerPeer',
  'onAccess',
  ...Object.keys(GATEWAY_DEFAULTS),
] satisfies readonly (keyof GatewayOptions | string)[];

const TYPES = [
  ['anonymous', 'boolean'],
  ['resolve', 'function'],
  ['onAccess', 'function'],
  ['dial', 'object'],
  ['tls', 'object'],
] as const;

/** Timers go no further: 24 days, which stand for ever. */
const LONGEST_MS = 2 ** 31 - 1;

/** Checks what the user wrote and fills in the rest. */
export function resolveOptions(given: GatewayOptions): ResolvedOptions {
  const options = ownOptions(given, 'options');
  checkKeys(options, KEYS, '');
  if (typeof Object(options.pool).tenancy !== 'function') throw problem('pool', 'must be a pool of @fairlead/core');
  const { users = {}, keys = [], ports = [443] } = options;
  const scalars = scalarsOf(options);
  for (const [key, type] of TYPES) {
    const value = options[key];
    if (value !== undefined && typeof value !== type) throw problem(key, `must be a ${type}`);
  }
  for (const key of ['keys', 'direct', 'proxied'] as const) {
    if (options[key] !== undefined && !Array.isArray(options[key])) throw problem(key, 'must be a list');
  }
  const { allowPrivate = [], maxPerPeer = Math.ceil(scalars.maxConnections / 2) } = options;
  if (allowPrivate !== 'all' && !Array.isArray(allowPrivate)) throw problem('allowPrivate', "must be 'all' or a list");
  checkCount(maxPerPeer, 'maxPerPeer');
  if (ports !== 'all' && !(Array.isArray(ports) && ports.every(isPort))) {
    throw problem('ports', "must be 'all' or a list of ports");
  }
  if (!['tunnel', 'absolute', undefined].includes(options.plain)) {
    throw problem('plain', "must be 'tunnel' or 'absolute'");
  }
  return {
    ...scalars,
    pool: options.pool,
    users,
    keys,
    anonymous: options.anonymous ?? (Object.keys(users).length === 0 && keys.length === 0),
    mayTunnelTo: (port) => ports === 'all' || ports.includes(port),
    maxPerPeer,
    rest: options,
  };
}

/** The same for what `listen` is told. */
export function resolveListen(given: ListenOptions): ListenOptions {
  const options = ownOptions(given, 'options');
  checkKeys(options, ['port', 'host', 'socksPort'], '');
  const { port = 0, socksPort = 0, host = '' } = options;
  if (port !== 0 && !isPort(port)) throw problem('port', 'must be a port');
  if (socksPort !== 0 && !isPort(socksPort)) throw problem('socksPort', 'must be a port');
  if (typeof host !== 'string') throw problem('host', 'must be an address');
  return options;
}

function scalarsOf(options: GatewayOptions): Scalars {
  const entries = Object.entries(GATEWAY_DEFAULTS).map(([key, otherwise]) => {
    const value = options[key as keyof Scalars] ?? otherwise;
    if (key.startsWith('max')) return [key, checkCount(value, key)];
    checkDuration(value, key);
    // Who drains for no time at all wants that; nothing else can be done in none.
    if (value === 0 && key !== 'drainMs') throw problem(key, 'must be above 0');
    return [key, Math.min(value, LONGEST_MS)];
  });
  return Object.fromEntries(entries) as Scalars;
}

function checkCount(value: unknown, key: string): number {
  if (value !== Number.POSITIVE_INFINITY) checkInteger(value, 1, key);
  return value as number;
}

function isPort(port: unknown): boolean {
  return Number.isInteger(port) && (port as number) > 0 && (port as number) < 65_536;
}

function problem(item: string, text: string): ConfigurationError {
  return new ConfigurationError('INVALID_OPTION', item, text);
}
