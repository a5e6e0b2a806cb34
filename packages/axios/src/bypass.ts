import type { FairleadError } from '@fairlead/core';
import { pastThePool } from '@fairlead/dial';
import { getAdapter, type AxiosAdapter, type InternalAxiosRequestConfig } from 'axios';

/** Settings that make axios open connections of its own, past the agents it is given. */
const PAST_THE_POOL = ['proxy', 'httpAgent', 'httpsAgent', 'socketPath', 'transport'] as const;

/** Whether the request would not go through the pool's proxies; an error rather than a direct connection. */
export function bypassOf(config: InternalAxiosRequestConfig): FairleadError | undefined {
  const own: Readonly<Record<string, unknown>> = Object(config);
  const setting = PAST_THE_POOL.find((name) => own[name] !== undefined && own[name] !== null && own[name] !== false);
  if (setting !== undefined) return pastThePool(`its own '${setting}'`);
  // axios 1.13 and later; its HTTP/2 transport connects without an agent.
  return Number(own['httpVersion']) === 2 ? pastThePool("'httpVersion: 2'") : undefined;
}

/** The adapter that does the sending: axios's `http`, or a function of the user's that passes the agents on. */
export function innerAdapter(
  adapter: InternalAxiosRequestConfig['adapter'],
  config: InternalAxiosRequestConfig,
): AxiosAdapter | FairleadError {
  // The default is a list; on Node the first that works is `http`.
  const name = Array.isArray(adapter) ? (adapter.includes('http') ? 'http' : adapter[0]) : (adapter ?? 'http');
  if (name === 'fetch' || (typeof name === 'function' && isFetch(name, config))) return pastThePool("'adapter: fetch'");
  return typeof name === 'function' ? name : getAdapter(name);
}

/** As `axios.getAdapter` hands it out, for this config or for none: it knows no agents. */
function isFetch(adapter: AxiosAdapter, config: InternalAxiosRequestConfig): boolean {
  // Its second argument is missing in the types, and in axios before 1.12.
  const find = getAdapter as (name: string, config?: InternalAxiosRequestConfig) => AxiosAdapter;
  try {
    return adapter === find('fetch', config) || adapter === find('fetch');
  } catch {
    return false;
  }
}
