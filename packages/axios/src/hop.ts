import type { Lease } from '@fairlead/core';
import { AxiosError, AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import { isStream } from './stream.js';

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

/** The lease that led to it, and what was sent under it. */
export interface LedHop extends Hop {
  readonly lease: Lease;
  /** All of a streamed body, where it is whole. */
  readonly body: Buffer | undefined;
}

/** What follow-redirects allows where axios says nothing. */
const MOST_REDIRECTS = 21;

/** The request that the redirect asks for, with the method and headers that follow-redirects has left in it. */
export function hopTo({ options, count, body }: LedHop, config: InternalAxiosRequestConfig): NextConfig {
  const maxRedirects = (config.maxRedirects ?? MOST_REDIRECTS) - count;
  if (maxRedirects < 1) {
    return new AxiosError('Maximum number of redirects exceeded', 'ERR_FR_TOO_MANY_REDIRECTS', config);
  }
  const { href, method, headers, auth } = options;
  const keepsBody = method.toUpperCase() === (config.method ?? 'GET').toUpperCase();
  const streamed = keepsBody && isStream(config.data);
  if (streamed && body === undefined) {
    return new AxiosError(
      'the redirect asks for a body of which not all had been sent',
      AxiosError.ERR_BAD_REQUEST,
      config,
    );
  }
  const next = {
    ...config,
    url: href,
    method,
    headers: AxiosHeaders.from(headers),
    maxRedirects,
    ...(streamed ? { data: body } : undefined),
  };
  // The new URL is whole, and credentials go along only where follow-redirects has kept them.
  const dropped = ['baseURL', 'params', ...(keepsBody ? [] : ['data']), ...(auth == null ? ['auth'] : [])];
  return Object.assign(next, Object.fromEntries(dropped.map((name) => [name, undefined])));
}

type NextConfig = InternalAxiosRequestConfig | AxiosError;

/** What follow-redirects keeps of a request, for a redirect that asks for its body again. */
interface Kept {
  readonly _ended?: boolean;
  readonly _requestBodyBuffers?: readonly { readonly data: string | Uint8Array; readonly encoding?: BufferEncoding }[];
}

/** The body that was sent; undefined where some of it was still to come. */
export function sentBody(error: unknown): Buffer | undefined {
  const { _ended: whole, _requestBodyBuffers: kept }: Kept = Object((Object(error) as { request?: unknown }).request);
  if (whole !== true || kept === undefined) return undefined;
  return Buffer.concat(
    kept.map(({ data, encoding }) => (typeof data === 'string' ? Buffer.from(data, encoding) : data)),
  );
}
