import type { LeaseRequest } from '@fairlead/core';
import { leaseRequestOf } from '@fairlead/dial';
import type { InternalAxiosRequestConfig } from 'axios';
import type { RememberedRequest } from './pool-request.js';
import { isStream } from './stream.js';

/** What the pool is asked for: the request in its words. */
export function toLeaseRequest(
  config: InternalAxiosRequestConfig,
  memory: RememberedRequest,
  signal: AbortSignal,
): LeaseRequest {
  const { method, data } = config;
  const { tried } = memory;
  // A stream is gone once it was piped.
  return leaseRequestOf(memory.terms(), { target: urlOf(config), method, signal, tried, isOnce: isStream(data) });
}

const ABSOLUTE = /^([a-z][a-z\d+\-.]*:)?\/\//i;

/** Where it goes, without its query; `getUri` would merge the whole config anew for it. */
export function urlOf({ url = '', baseURL, allowAbsoluteUrls }: InternalAxiosRequestConfig): string {
  if (baseURL === undefined || (ABSOLUTE.test(url) && allowAbsoluteUrls !== false)) return url;
  return url === '' ? baseURL : `${baseURL.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}`;
}
