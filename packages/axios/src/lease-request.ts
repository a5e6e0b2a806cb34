import type { LeaseRequest } from '@fairlead/core';
import { AxiosError, type CancelToken, type InternalAxiosRequestConfig } from 'axios';
import type { RememberedRequest } from './pool-request.js';
import { isStream } from './stream.js';

/** What the pool is asked for: the request in its words. */
export function toLeaseRequest(config: InternalAxiosRequestConfig, memory: RememberedRequest): LeaseRequest {
  // axios finds it when the connection is on its way, and leaves that open.
  if (!(Number.parseInt(String(config.timeout ?? 0), 10) >= 0)) {
    throw new AxiosError("'timeout' is no duration", AxiosError.ERR_BAD_OPTION_VALUE, config);
  }
  const { method, signal, data, cancelToken } = config;
  const ends = cancelToken === undefined ? signal : either(cancelToken, signal);
  return {
    ...memory.terms(),
    ...(method === undefined ? undefined : { method }),
    ...(ends instanceof AbortSignal ? { signal: ends } : undefined),
    // A stream is gone once it was piped: it can be sent once, whatever the caller allows.
    ...(isStream(data) ? { idempotent: false } : undefined),
    target: urlOf(config),
  };
}

const ABSOLUTE = /^([a-z][a-z\d+\-.]*:)?\/\//i;

/** Where it goes, without its query; `getUri` would merge the whole config anew for it. */
export function urlOf({ url = '', baseURL, allowAbsoluteUrls }: InternalAxiosRequestConfig): string {
  if (baseURL === undefined || (ABSOLUTE.test(url) && allowAbsoluteUrls !== false)) return url;
  return url === '' ? baseURL : `${baseURL.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}`;
}

/** axios's older way to call a request off: the pool listens to signals. */
function either(token: CancelToken, signal: InternalAxiosRequestConfig['signal']): AbortSignal {
  const controller = new AbortController();
  token.promise.then((reason) => controller.abort(reason)).catch(() => undefined);
  if (token.reason !== undefined) controller.abort(token.reason);
  if (signal?.aborted === true) controller.abort();
  signal?.addEventListener?.('abort', () => controller.abort());
  return controller.signal;
}
