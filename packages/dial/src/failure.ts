import type { FailureOutcome, Fault } from '@fairlead/core';
import { DialError } from './dial-error.js';
import { noteOn, type FailureNote } from './failure-notes.js';

/**
 * Reads an error that a client library threw as an outcome: where it broke, whether anything had been sent, and whose
 * doing it was where that can be known. Adapters pass on what it says.
 */
export function failureOf(error: unknown, elapsedMs: number, seen: Seen = {}): FailureOutcome {
  const chain = chainOf(error);
  const dialled = chain.find(isDialError);
  if (dialled !== undefined) {
    const { phase, code, sent, fault } = dialled;
    return { kind: 'failure', phase, code, elapsedMs, sent, fault };
  }
  const code = codeOf(chain);
  const note = noteAmong(chain);
  if (isAbort(chain, code) && seen.timedOut !== true) {
    const { phase, sent } = note ?? REQUEST;
    return { kind: 'failure', phase, code: 'ABORTED', elapsedMs, sent, fault: 'caller' };
  }
  const term = termOf(chain, code);
  if (term !== undefined) return { kind: 'failure', ...term, code, elapsedMs, fault: 'caller' };
  const { phase, sent } = seen.response === true ? BODY : (note ?? placeOf(chain, code));
  const seenCode = seen.timedOut === true ? 'ETIMEDOUT' : code;
  return { kind: 'failure', phase, code: seenCode, elapsedMs, sent, fault: 'unclear' satisfies Fault };
}

/** What an adapter saw that the error does not tell. */
export interface Seen {
  /** The answer had begun. undici's errors do not say so. */
  readonly response?: boolean;
  /** The caller's signal had timed out: a timeout of the client's, and no change of mind. */
  readonly timedOut?: boolean;
}

const REQUEST: FailureNote = { phase: 'request', sent: 'maybe' };
const BODY: FailureNote = { phase: 'body', sent: 'maybe' };

/** Fields that Node, axios, got and undici put on what they throw. */
interface Thrown {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
  readonly response?: unknown;
  readonly request?: unknown;
}

const MAX_DEPTH = 8;

/** The error and what it was made from: libraries wrap, and wrap again. */
function chainOf(error: unknown): readonly Thrown[] {
  const chain: Thrown[] = [];
  let next: unknown = error;
  while (typeof next === 'object' && next !== null && chain.length < MAX_DEPTH) {
    const thrown: Thrown = next;
    chain.push(thrown);
    next = thrown.cause ?? (Array.isArray(thrown.errors) ? thrown.errors[0] : undefined);
  }
  return chain;
}

/** By shape, for another copy of this package may have thrown it. */
function isDialError(thrown: Thrown): thrown is DialError {
  return thrown instanceof DialError || (thrown.name === 'DialError' && 'phase' in thrown && 'fault' in thrown);
}

/** The innermost code says what happened, the outer ones who was told. */
function codeOf(chain: readonly Thrown[]): string {
  const codes = chain
    .map(({ code }) => code)
    .filter((code): code is string => typeof code === 'string' && /^[A-Z0-9_]+$/.test(code));
  return codes.at(-1) ?? 'UNKNOWN';
}

const ABORTS = new Set(['ERR_CANCELED', 'ERR_ABORTED', 'ABORT_ERR', 'UND_ERR_ABORTED']);
const ABORT_NAMES = new Set(['AbortError', 'CancelError', 'CanceledError']);

function isAbort(chain: readonly Thrown[], code: string): boolean {
  return ABORTS.has(code) || chain.some(({ name }) => typeof name === 'string' && ABORT_NAMES.has(name));
}

/** The dialer's own note on an error, or on the request that axios or got tell of by it. */
function noteAmong(chain: readonly Thrown[]): FailureNote | undefined {
  for (const thrown of chain) {
    const note = noteOn(thrown) ?? noteOn(currentOf(thrown.request));
    if (note !== undefined) return note;
  }
  return undefined;
}

/** follow-redirects and got wrap the request that is under way. */
function currentOf(request: unknown): object {
  const wrapper = Object(request) as { readonly _currentRequest?: object; readonly _request?: object };
  return wrapper._currentRequest ?? wrapper._request ?? wrapper;
}

/** What the caller wrote cannot be sent: every client finds that before it has sent a byte. */
const UNSENDABLE = new Set([
  'ERR_INVALID_CHAR',
  'ERR_INVALID_HTTP_TOKEN',
  'ERR_HTTP_INVALID_HEADER_VALUE',
  'ERR_INVALID_PROTOCOL',
  'ERR_UNSUPPORTED_PROTOCOL',
  'ERR_INVALID_URL',
  'ERR_UNESCAPED_CHARACTERS',
  'ERR_BAD_OPTION',
  'ERR_BAD_OPTION_VALUE',
  'UND_ERR_INVALID_ARG',
]);

/** Bounds that the caller set himself, and the answer went over. */
const EXCEEDED = new Map<string, FailureNote>([
  ['ERR_FR_TOO_MANY_REDIRECTS', { phase: 'response', sent: 'maybe' }],
  ['ERR_TOO_MANY_REDIRECTS', { phase: 'response', sent: 'maybe' }],
  ['ERR_FR_MAX_BODY_LENGTH_EXCEEDED', { phase: 'request', sent: 'maybe' }],
  ['UND_ERR_RES_EXCEEDED_MAX_SIZE', { phase: 'body', sent: 'maybe' }],
]);

/** The caller's own terms, which no proxy and no target can help. */
function termOf(chain: readonly Thrown[], code: string): FailureNote | undefined {
  // After a redirect it is what the target wrote.
  if (UNSENDABLE.has(code) && !isAnswered(chain)) return { phase: 'request', sent: 'nothing' };
  // axios has one code for this and for a body that broke; before 1.8 one text as well, and a bound of -1 is none.
  const tooLong = says(chain, 'maxContentLength size of') && !says(chain, 'maxContentLength size of -1 ');
  if (code === 'ERR_BAD_RESPONSE' && tooLong) return BODY;
  return EXCEEDED.get(code);
}

function placeOf(chain: readonly Thrown[], code: string): FailureNote {
  if (isCertificate(code) || says(chain, 'before secure TLS connection'))
    return { phase: 'target-tls', sent: 'nothing' };
  if (isBody(chain, code)) return BODY;
  if (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_TIMEOUT') return { phase: 'response', sent: 'maybe' };
  return REQUEST;
}

function isCertificate(code: string): boolean {
  return code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS_CERT') || CERTIFICATES.has(code);
}

/** OpenSSL's verdicts on a chain that Node passes on as codes. */
const CERTIFICATES = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'CERT_REJECTED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
]);

const BODY_CODES = new Set(['UND_ERR_BODY_TIMEOUT', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH']);

/** axios says "aborted" and has no response, got has one, undici's fetch says "terminated". */
function isBody(chain: readonly Thrown[], code: string): boolean {
  if (BODY_CODES.has(code)) return true;
  if (isAnswered(chain)) return true;
  return chain.some(
    ({ message }) => message === 'aborted' || message === 'terminated' || message === 'stream has been aborted',
  );
}

function isAnswered(chain: readonly Thrown[]): boolean {
  return chain.some(({ response, request }) => response != null || hasAnswer(request));
}

/** axios drops the response of a request that broke in its body; the request still has it. */
function hasAnswer(request: unknown): boolean {
  return (currentOf(request) as { res?: unknown }).res != null;
}

function says(chain: readonly Thrown[], text: string): boolean {
  return chain.some(({ message }) => typeof message === 'string' && message.includes(text));
}
