import type { EndpointId } from '../endpoint.js';
import { ConfigurationError } from '../errors.js';
import { checkKeys, duration, hasMethods, integerAtLeast, ofType, ownOptions } from '../option-check.js';

/** What a caller asks a pool for. */
export interface LeaseRequest {
  /** The destination: a URL, or a host name. */
  readonly target: string | URL;
  /** HTTP method; decides whether a request that may have been sent can be sent again. @default 'GET' */
  readonly method?: string;
  /** Overrides what `method` implies. */
  readonly idempotent?: boolean;
  /** Requests of one session leave by the same exit. */
  readonly session?: string;
  /** Only endpoints that have all of these. @default [] */
  readonly tags?: readonly string[];
  /** Force this endpoint. */
  readonly endpoint?: EndpointId;
  /** Endpoints not to use. @default [] */
  readonly exclude?: readonly EndpointId[];
  /** Endpoints to use only where no other can serve, as after a retry of the caller's own. A session's exit counts more. @default [] */
  readonly avoid?: readonly EndpointId[];
  /** Ends the wait, and the run. */
  readonly signal?: AbortSignal;
  /** How long the request may take in all. @default the pool's `deadlineMs` */
  readonly deadlineMs?: number;
  /** Most attempts of which the target may have seen something. @default the policy's `retry.maxAttempts` */
  readonly maxAttempts?: number;
  /** How long one attempt may take without an answer. @default the policy's */
  readonly attemptTimeoutMs?: number;
}

const KEYS: readonly string[] = [
  'target',
  'method',
  'idempotent',
  'session',
  'tags',
  'endpoint',
  'exclude',
  'avoid',
  'signal',
  'deadlineMs',
  'maxAttempts',
  'attemptTimeoutMs',
] satisfies readonly (keyof LeaseRequest)[];

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** The request with own, defined keys only, each of its type. */
export function checkedRequest(request: LeaseRequest): LeaseRequest {
  const own = ownOptions(request, 'request');
  checkKeys(own, KEYS, 'request');
  const { deadlineMs, attemptTimeoutMs, maxAttempts, method, signal, session, idempotent } = own;
  if (deadlineMs !== undefined) duration(deadlineMs, 'request.deadlineMs');
  if (attemptTimeoutMs !== undefined) duration(attemptTimeoutMs, 'request.attemptTimeoutMs');
  if (maxAttempts !== undefined) integerAtLeast(maxAttempts, 1, 'request.maxAttempts');
  if (method !== undefined) ofType(method, 'string', 'request.method');
  if (idempotent !== undefined) ofType(idempotent, 'boolean', 'request.idempotent');
  if (signal !== undefined) hasMethods(signal, ['addEventListener', 'removeEventListener'], 'request.signal');
  listOfWords(own.tags, 'request.tags');
  listOfWords(own.exclude, 'request.exclude');
  if (session !== undefined && (typeof session !== 'string' || session === '')) {
    throw new ConfigurationError('INVALID_OPTION', 'request.session', 'must be a word');
  }
  return own;
}

function listOfWords(value: unknown, item: string): void {
  if (value === undefined) return;
  if (Array.isArray(value) && value.every((word) => typeof word === 'string')) return;
  throw new ConfigurationError('INVALID_OPTION', item, 'must be a list of words');
}

export function isIdempotent({ idempotent, method = 'GET' }: LeaseRequest): boolean {
  return idempotent ?? IDEMPOTENT.has(method.toUpperCase());
}
