import type { ProxyUrl } from '../proxy-url.js';
import { readOutcome } from '../outcome-check.js';
import type { HeaderView, Outcome, ResponseOutcome } from '../outcome.js';
import { unreached, type ConnectError } from './unreached.js';

/** What an attempt of the caller's own brought, in whatever words its client has. */
export type AttemptResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: unknown };

interface Seen {
  readonly elapsedMs: number;
  /** The proxy that the attempt was sent through. */
  readonly proxy: ProxyUrl;
  /** The caller has called the request off: whatever the attempt threw, nobody is to blame. */
  readonly calledOff: boolean;
}

/** What was observed, read from what the attempt returned or threw: an error with an `outcome` is taken at its word. */
export function outcomeOf(result: AttemptResult<unknown>, seen: Seen): Outcome {
  const { elapsedMs, proxy, calledOff } = seen;
  if (result.ok) return responseOf(result.value, elapsedMs) ?? { kind: 'response', status: 200, latencyMs: elapsedMs };
  if (calledOff) return { kind: 'abandoned', elapsedMs };
  return safely(() => thrownOutcome(result.error, elapsedMs, proxy)) ?? unclear('Error', elapsedMs);
}

function thrownOutcome(thrown: unknown, elapsedMs: number, proxy: ProxyUrl): Outcome {
  const error: ErrorLike = Object(thrown);
  const answer = readOutcome(error.outcome, elapsedMs) ?? thrownResponse(error, elapsedMs);
  if (answer !== undefined) return answer;
  const failed = unreached(error, proxy);
  if (failed === undefined) return unclear(codeOf(error), elapsedMs);
  const code = codeOf(failed);
  // A name server that does not answer is ours.
  const fault = failed.syscall === 'getaddrinfo' && code !== 'ENOTFOUND' ? 'unclear' : 'endpoint';
  return { kind: 'failure', phase: 'proxy-connect', code, elapsedMs, sent: 'nothing', fault };
}

interface ErrorLike extends ConnectError, AnswerLike {
  readonly outcome?: unknown;
  readonly response?: unknown;
}

function unclear(code: string, elapsedMs: number): Outcome {
  return { kind: 'failure', phase: 'request', code, elapsedMs, sent: 'maybe', fault: 'unclear' };
}

function codeOf({ code, name }: ErrorLike): string {
  return typeof code === 'string' ? code : String(name ?? 'Error');
}

/** Clients throw answers that they take for errors. A good one was thrown for another reason: something broke after its head. */
function thrownResponse(error: ErrorLike, latencyMs: number): ResponseOutcome | undefined {
  const { response = error } = error;
  const { status, statusCode, headers }: AnswerLike = Object(response);
  // A status of the error's own is anybody's, unless it stands beside the headers of an answer, as undici writes it.
  const own = response === error;
  if (own && (typeof headers !== 'object' || headers === null)) return undefined;
  const found = asStatus(statusCode) ?? (own ? undefined : asStatus(status));
  if (found === undefined || (found >= 200 && found < 300)) return undefined;
  return asResponse(found, latencyMs, headers);
}

interface AnswerLike {
  readonly status?: unknown;
  readonly statusCode?: unknown;
  readonly headers?: unknown;
}

/** Responses of fetch, axios and got carry their status beside headers; anything else that has a status is the user's own. */
function responseOf(value: unknown, latencyMs: number): ResponseOutcome | undefined {
  return safely(() => {
    const { status, statusCode, headers }: AnswerLike = Object(value);
    if (typeof headers !== 'object' || headers === null) return undefined;
    const found = asStatus(status) ?? asStatus(statusCode);
    return found === undefined ? undefined : asResponse(found, latencyMs, headers);
  });
}

function asResponse(status: number, latencyMs: number, headers: unknown): ResponseOutcome {
  const view = headerView(headers);
  return view === undefined
    ? { kind: 'response', status, latencyMs }
    : { kind: 'response', status, latencyMs, headers: view };
}

function asStatus(value: unknown): number | undefined {
  return Number.isInteger(value) && (value as number) >= 100 && (value as number) < 600 ? (value as number) : undefined;
}

function headerView(headers: unknown): HeaderView | undefined {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return undefined;
  if (typeof (headers as Partial<HeaderView>).get === 'function') return headers as HeaderView;
  return { get: (name) => plainHeader(headers, name) };
}

/** Of several values the first: none of the headers that are read here may come twice. */
function plainHeader(headers: object, name: string): string | undefined {
  const key = Object.keys(headers).find((own) => own.toLowerCase() === name);
  const value: unknown = key === undefined ? undefined : headers[key as keyof typeof headers];
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' ? first : typeof first === 'number' ? String(first) : undefined;
}

/** Whatever stands there is the caller's: what cannot be read says nothing. */
function safely<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
