import { ConfigurationError, type StoreReport } from '@fairlead/core';
import type { RedisPort } from './port/redis-port.js';

const LEAST_VERSION = 7;

/**
 * Refuses a server that would break the promise quietly: one that is too old, or that throws keys away when it is full. What
 * the account may not ask is told and taken on trust.
 */
export async function checkServer(port: RedisPort, report: (report: StoreReport) => void): Promise<void> {
  const info = await ask(port, report, 'INFO', 'server');
  const version = /^(?:redis|valkey)_version:(\d+)\.(\d+)/m.exec(info ?? '');
  if (version !== null && Number(version[1]) < LEAST_VERSION) {
    throw refusal(`needs Redis 7.0 or Valkey; this server is ${version[1]}.${version[2]}`);
  }
  const memory = await ask(port, report, 'INFO', 'memory');
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory ?? '')?.[1];
  if (policy !== undefined && policy !== 'noeviction') {
    throw refusal(
      `maxmemory-policy is ${policy}: a server that evicts leases breaks every limit; set it to noeviction`,
    );
  }
}

/** Over a network that others share, leases and pins go encrypted and under a password. */
export function checkUrl(url: string): void {
  if (!URL.canParse(url)) throw new ConfigurationError('INVALID_OPTION', 'redisStore.url', 'is no URL');
  const { protocol, hostname, password } = new URL(url);
  if (protocol !== 'redis:' && protocol !== 'rediss:') {
    throw new ConfigurationError('INVALID_OPTION', 'redisStore.url', 'must begin with redis:// or rediss://');
  }
  if (isLoopback(hostname)) return;
  if (protocol !== 'rediss:') throw refusal('off this machine the connection must be encrypted: rediss://');
  if (password === '') throw refusal('off this machine the server must have a password');
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

async function ask(
  port: RedisPort,
  report: (report: StoreReport) => void,
  name: string,
  ...args: string[]
): Promise<string | undefined> {
  try {
    return String(await port.command(name, ...args));
  } catch {
    report({
      state: 'working',
      why: `the server does not answer ${name}: its version and memory policy are not checked`,
    });
    return undefined;
  }
}

function refusal(problem: string): ConfigurationError {
  return new ConfigurationError('STORE_UNUSABLE', 'redisStore', problem);
}
