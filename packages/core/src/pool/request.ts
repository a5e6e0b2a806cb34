import type { EndpointId } from '../endpoint.js';
import { ConfigurationError } from '../errors.js';
import { checkKeys, duration } from '../option-check.js';

/** What a caller asks a pool for. */
export interface LeaseRequest {
  /** The destination: a URL, or a host name. */
  readonly target: string | URL;
  /** HTTP method; decides whether a request that may have been sent can be sent again. @default 'GET' */
  readonly method?: string;
  /** Overrides what `method` implies. */
  readonly idempotent?: boolean;
  /** Only endpoints that have all of these. @default [] */
  readonly tags?: readonly string[];
  /** Force this endpoint. */
  readonly endpoint?: EndpointId;
  /** Endpoints not to use. @default [] */
  readonly exclude?: readonly EndpointId[];
  /** Ends the wait, and the run. */
  readonly signal?: AbortSignal;
  /** How long the request may take in all. @default the pool's `deadlineMs` */
  readonly deadlineMs?: number;
}

const KEYS = ['target', 'method', 'idempotent', 'tags', 'endpoint', 'exclude', 'signal', 'deadlineMs'] as const;

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

export function checkRequest(request: LeaseRequest): void {
  checkKeys(request, KEYS, 'request');
  if (request.deadlineMs !== undefined) duration(request.deadlineMs, 'request.deadlineMs');
  if (request.tags !== undefined && !Array.isArray(request.tags)) {
    throw new ConfigurationError('INVALID_OPTION', 'request.tags', 'must be a list of words');
  }
}

export function isIdempotent({ idempotent, method = 'GET' }: LeaseRequest): boolean {
  return idempotent ?? IDEMPOTENT.has(method.toUpperCase());
}
