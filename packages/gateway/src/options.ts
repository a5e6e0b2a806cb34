import type { TargetTlsOptions, DialSettings } from '@fairlead/dial';
import { checkKeys, ConfigurationError, ownOptions, type Pool } from '@fairlead/core';
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

/** Checks what the user wrote and fills in the rest. */
export function resolveOptions(given: GatewayOptions): ResolvedOptions {
  const options = ownOptions(given, 'options');
  checkKeys(options, KEYS, '');
  if (typeof Object(options.pool).tenancy !== 'function') throw problem('pool', 'must be a pool of @fairlead/core');
  const { users = {}, keys = [], ports = [443] } = options;
  const scalars = scalarsOf(options);
  if (ports !== 'all' && !(Array.isArray(ports) && ports.every(isPort))) {
    throw problem('ports', "must be 'all' or a list of ports");
  }
  if (!['tunnel', 'absolute', undefined].includes(options.plain)) {
    throw problem('plain', "must be 'tunnel' or 'absolute'");
  }
  if (!Array.isArray(keys)) throw problem('keys', 'must be a list');
  return {
    ...scalars,
    pool: options.pool,
    users: ownOptions(users, 'users'),
    keys,
    anonymous: options.anonymous ?? (Object.keys(users).length === 0 && keys.length === 0),
    mayTunnelTo: (port) => ports === 'all' || ports.includes(port),
    maxPerPeer: options.maxPerPeer ?? Math.ceil(scalars.maxConnections / 2),
    rest: options,
  };
}

function scalarsOf(options: GatewayOptions): Scalars {
  const entries = Object.entries(GATEWAY_DEFAULTS).map(([key, otherwise]) => {
    const value = options[key as keyof Scalars] ?? otherwise;
    if (typeof value !== 'number' || !(value > 0)) throw problem(key, 'must be a number above 0');
    return [key, value];
  });
  return Object.fromEntries(entries) as Scalars;
}

function isPort(port: unknown): boolean {
  return Number.isInteger(port) && (port as number) > 0 && (port as number) < 65_536;
}

function problem(item: string, text: string): ConfigurationError {
  return new ConfigurationError('INVALID_OPTION', item, text);
}
