import type { LeaseRequest } from '@fairlead/core';
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
  return {
    ...memory.terms(),
    ...(method === undefined ? undefined : { method }),
    // A stream is gone once it was piped: it can be sent once, whatever the caller allows.
    ...(isStream(data) ? { idempotent: false } : undefined),
    target: urlOf(config),
    signal,
  };
}

const ABSOLUTE = /^([a-z][a-z\d+\-.]*:)?\/\//i;

/** Where it goes, without its query; `getUri` would merge the whole config anew for it. */
export function urlOf({ url = '', baseURL, allowAbsoluteUrls }: InternalAxiosRequestConfig): string {
  if (baseURL === undefined || (ABSOLUTE.test(url) && allowAbsoluteUrls !== false)) return url;
  return url === '' ? baseURL : `${baseURL.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}`;
}
