import { TRAITS, type Endpoint, type EndpointId } from '../endpoint.js';
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
  /** Only endpoints of this provider, region, country, autonomous system, class. */
  readonly provider?: string;
  readonly region?: string;
  readonly country?: string;
  readonly asn?: number;
  readonly class?: string;
  /** Force this endpoint. */
  readonly endpoint?: EndpointId;
  /** Endpoints not to use. @default [] */
  readonly exclude?: readonly EndpointId[];
  /** Endpoints to use only where no other can serve, as after a retry of the caller's own. A session's exit counts more. @default [] */
  readonly avoid?: readonly EndpointId[];
  /** Who ranks the candidates for it: a name among the pool's `strategies`. @default the pool's `strategy` */
  readonly strategy?: string;
  /**
   * Ends the wait; `pool.run` and jobs end with it, and `lease.signal` aborts. What a run is told to have failed after it is
   * nobody's fault.
   */
  readonly signal?: AbortSignal;
  /** How long the request may take until its answer begins, or in all where the attempt never calls `lease.touch`. @default the pool's `deadlineMs` */
  readonly deadlineMs?: number;
  /** Most attempts of which the target may have seen something. @default the policy's `retry.maxAttempts` */
  readonly maxAttempts?: number;
  /** How long one attempt may take without an answer. @default the policy's */
  readonly attemptTimeoutMs?: number;
  /** How long an answer may take from its first byte to its last. @default the policy's */
  readonly bodyDeadlineMs?: number;
  /** Counts the request under this word in `stats()` and metrics; of more than 63 the rest count as `other`. */
  readonly label?: string;
}

/** What one request of a client library may ask of the pool. The rest is read from the request itself. */
export type PoolRequest = Omit<LeaseRequest, 'target' | 'method' | 'signal'>;

/** In the order of the manual. */
export const REQUEST_KEYS: readonly string[] = [
  'target',
  'method',
  'idempotent',
  'session',
  'tags',
  ...TRAITS,
  'endpoint',
  'exclude',
  'avoid',
  'strategy',
  'signal',
  'deadlineMs',
  'maxAttempts',
  'attemptTimeoutMs',
  'bodyDeadlineMs',
  'label',
] satisfies readonly (keyof LeaseRequest)[];

const KNOWN: ReadonlySet<string> = new Set(REQUEST_KEYS);
/** Every key, so that each copy has the same shape, and reads nothing from a prototype. */
const NOTHING_ASKED: Readonly<Record<string, undefined>> = Object.fromEntries(
  REQUEST_KEYS.map((key) => [key, undefined]),
);

const MOST_NAME = 512;
const CONTROL = /\p{Cc}/u;

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** The request with own, defined keys only, each of its type. */
export function checkedRequest(request: LeaseRequest): LeaseRequest {
  const own = ownRequest(request);
  const { deadlineMs, attemptTimeoutMs, bodyDeadlineMs, maxAttempts, method, signal, session, idempotent } = own;
  if (deadlineMs !== undefined) duration(deadlineMs, 'request.deadlineMs');
  if (attemptTimeoutMs !== undefined) duration(attemptTimeoutMs, 'request.attemptTimeoutMs');
  if (bodyDeadlineMs !== undefined) duration(bodyDeadlineMs, 'request.bodyDeadlineMs');
  if (maxAttempts !== undefined) integerAtLeast(maxAttempts, 1, 'request.maxAttempts');
  if (method !== undefined) ofType(method, 'string', 'request.method');
  if (idempotent !== undefined) ofType(idempotent, 'boolean', 'request.idempotent');
  if (signal !== undefined) hasMethods(signal, ['addEventListener', 'removeEventListener'], 'request.signal');
  listOfWords(own.tags, 'request.tags');
  listOfWords(own.exclude, 'request.exclude');
  listOfWords(own.avoid, 'request.avoid');
  if (own.label !== undefined) checkName(own.label, 'request.label');
  for (const trait of TRAITS) {
    if (own[trait] === undefined) continue;
    if (trait === 'asn') integerAtLeast(own.asn, 1, 'request.asn');
    else ofType(own[trait], 'string', `request.${trait}`);
  }
  if (session !== undefined) checkName(session, 'request.session');
  return own;
}

/**
 * A copy with own keys only, of one shape whatever was given: a request is made for every attempt, and an object that is a
 * dictionary costs more than the choice of the endpoint.
 */
function ownRequest(request: LeaseRequest): LeaseRequest {
  if (typeof request !== 'object' || request === null || Array.isArray(request)) return ownOptions(request, 'request');
  const own: Record<string, unknown> = { ...NOTHING_ASKED };
  for (const key of Object.keys(request)) {
    const value: unknown = request[key as keyof LeaseRequest];
    if (value === undefined) continue;
    if (!KNOWN.has(key)) checkKeys({ [key]: value }, REQUEST_KEYS, 'request');
    own[key] = value;
  }
  // Each value is checked by whoever asked for the copy.
  return own as unknown as LeaseRequest;
}

/** Refuses the name of a strategy that the pool was not given. */
export function checkStrategy({ strategy }: LeaseRequest, { strategies }: { readonly strategies: object }): void {
  if (strategy === undefined) return;
  ofType(strategy, 'string', 'request.strategy');
  if (!Object.hasOwn(strategies, strategy))
    checkKeys({ [strategy]: true }, Object.keys(strategies), 'request.strategy');
}

/** A name is a key that others write: bounded, and without what could make it another's. */
export function checkName(name: unknown, item: string): asserts name is string {
  if (typeof name === 'string' && name !== '' && name.length <= MOST_NAME && !CONTROL.test(name)) return;
  const problem = `must be a word of at most ${MOST_NAME} characters, none of them a control character`;
  throw new ConfigurationError('INVALID_OPTION', item, problem);
}

function listOfWords(value: unknown, item: string): void {
  if (value === undefined) return;
  if (Array.isArray(value) && value.every((word) => typeof word === 'string' && !CONTROL.test(word))) return;
  throw new ConfigurationError('INVALID_OPTION', item, 'must be a list of words');
}

export function isIdempotent({ idempotent, method = 'GET' }: LeaseRequest): boolean {
  return idempotent ?? IDEMPOTENT.has(method.toUpperCase());
}

/** Every word an endpoint has to answer to for this request: its tags, and what it asks it to be. */
export function wordsAsked(request: LeaseRequest): readonly string[] {
  const { tags = [] } = request;
  return TRAITS.every((trait) => request[trait] === undefined) ? tags : [...tags, ...traitWords(request)];
}

/** Every word an endpoint answers to. */
export function wordsOf(endpoint: Endpoint): readonly string[] {
  const traits = traitWords(endpoint);
  return traits.length === 0 ? endpoint.tags : [...endpoint.tags, ...traits];
}

/** The separator keeps a trait apart from a tag that looks like one. */
function traitWords(of: Partial<Pick<Endpoint, (typeof TRAITS)[number]>>): string[] {
  return TRAITS.filter((trait) => of[trait] !== undefined).map((trait) => {
    const value = String(of[trait]);
    return `${trait}\u0000${trait === 'country' ? value.toUpperCase() : value}`;
  });
}
