import { AxiosError, AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';

/** As much of follow-redirects' next request as a redirect to another host needs. */
export interface RedirectOptions {
  readonly href: string;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly auth?: string | null;
}

/** A redirect to another host: another target, hence a run of its own. */
export interface Hop {
  readonly options: RedirectOptions;
  /** Redirects followed so far in this run, this one included. */
  readonly count: number;
}

/** What follow-redirects allows where axios says nothing. */
const MOST_REDIRECTS = 21;

/** The request that the redirect asks for, with the method and headers that follow-redirects has left in it. */
export function hopTo({ options, count }: Hop, config: InternalAxiosRequestConfig): InternalAxiosRequestConfig {
  const maxRedirects = (config.maxRedirects ?? MOST_REDIRECTS) - count;
  if (maxRedirects < 1) {
    throw new AxiosError('Maximum number of redirects exceeded', 'ERR_FR_TOO_MANY_REDIRECTS', config);
  }
  const { href, method, headers, auth } = options;
  const keepsBody = method.toUpperCase() === (config.method ?? 'GET').toUpperCase();
  const next = { ...config, url: href, method, headers: AxiosHeaders.from(headers), maxRedirects };
  // The new URL is whole, and credentials go along only where follow-redirects has kept them.
  const dropped = ['baseURL', 'params', ...(keepsBody ? [] : ['data']), ...(auth == null ? ['auth'] : [])];
  return Object.assign(next, Object.fromEntries(dropped.map((name) => [name, undefined])));
}
