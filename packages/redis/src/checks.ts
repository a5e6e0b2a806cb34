import { ConfigurationError, type StoreReport } from '@fairlead/core';
import type { RedisClient } from './port/connect.js';
import type { RedisLink } from './redis-link.js';

const LEAST_VERSION = 7;

/**
 * What makes a server unfit, in words: it would break the promise quietly, since it is too old, or throws keys away when it
 * is full. What the account may not ask is told and taken on trust.
 */
export async function unfitness(link: RedisLink, report: (report: StoreReport) => void): Promise<string | undefined> {
  const [server, memory] = await Promise.all([
    ask(link, report, 'INFO', 'server'),
    ask(link, report, 'INFO', 'memory'),
  ]);
  const version = /^(?:redis|valkey)_version:(\d+)\.(\d+)/m.exec(server ?? '');
  if (version !== null && Number(version[1]) < LEAST_VERSION) {
    return `needs Redis 7.0 or Valkey; this server is ${version[1]}.${version[2]}`;
  }
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory ?? '')?.[1];
  if (policy === undefined || policy === 'noeviction') return undefined;
  return `maxmemory-policy is ${policy}: a server that evicts leases breaks every limit; set it to noeviction`;
}

/** Over a network that others share, leases and pins go encrypted and under a password. */
export function checkUrl(url: string): void {
  if (!URL.canParse(url)) throw new ConfigurationError('INVALID_OPTION', 'redisStore.url', 'is no URL');
  const { protocol, hostname, password } = new URL(url);
  if (protocol !== 'redis:' && protocol !== 'rediss:') {
    throw new ConfigurationError('INVALID_OPTION', 'redisStore.url', 'must begin with redis:// or rediss://');
  }
  if (isLoopback(hostname)) return;
  if (protocol !== 'rediss:') refuseOpen('tls');
  if (password === '') refuseOpen('password');
}

/** What is told of a client's connection, by either library. */
interface ConnectionOptions {
  readonly host?: string;
  readonly path?: string;
  readonly tls?: unknown;
  readonly password?: string;
  readonly url?: string;
  readonly socket?: { readonly host?: string; readonly path?: string; readonly tls?: unknown };
}

/** The same for a client that the user brought, as far as it tells where it goes. */
export function checkClient(client: RedisClient): void {
  const { options } = client as { readonly options?: ConnectionOptions };
  if (typeof options !== 'object' || options === null) return;
  const { socket, password } = options;
  const url = typeof options.url === 'string' && URL.canParse(options.url) ? new URL(options.url) : undefined;
  const host = socket?.host ?? options.host ?? url?.hostname;
  if ((socket?.path ?? options.path) !== undefined || host === undefined || isLoopback(host)) return;
  const tls = socket?.tls ?? options.tls ?? url?.protocol === 'rediss:';
  if (tls === false || tls === undefined || tls === null) refuseOpen('tls');
  if ((password ?? url?.password ?? '') === '') refuseOpen('password');
}

function refuseOpen(what: 'tls' | 'password'): never {
  if (what === 'tls') throw refusal('off this machine the connection must be encrypted: rediss://');
  throw refusal('off this machine the server must have a password');
}

function isLoopback(hostname: string): boolean {
  return ['localhost', '[::1]', '::1'].includes(hostname) || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

async function ask(
  link: RedisLink,
  report: (report: StoreReport) => void,
  name: string,
  ...args: string[]
): Promise<string | undefined> {
  const answer = await link.ask(name, ...args);
  if (answer === undefined) {
    report({
      state: 'working',
      why: `the server does not answer ${name}: its version and memory policy are not checked`,
    });
  }
  return answer;
}

export function refusal(problem: string): ConfigurationError {
  return new ConfigurationError('STORE_UNUSABLE', 'redisStore', problem);
}
