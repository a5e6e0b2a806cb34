import { FairleadError } from './errors.js';
import type { FailureOutcome, Fault, HeaderView, Outcome, Phase, ResponseOutcome, Verdict } from './outcome.js';

const PHASES: ReadonlySet<unknown> = new Set<Phase>([
  'proxy-connect',
  'proxy-tls',
  'proxy-handshake',
  'tunnel',
  'target-tls',
  'request',
  'response',
  'body',
]);
const FAULTS: ReadonlySet<unknown> = new Set<Fault | undefined>(['endpoint', 'target', 'caller', 'unclear', undefined]);
const VERDICTS: ReadonlySet<unknown> = new Set<Verdict>([
  'success',
  'endpoint-fault',
  'throttled',
  'denied',
  'target-fault',
  'final',
  'unclear',
  'abandoned',
]);
const CODE = /^[\w.-]{1,64}$/;

export function isVerdict(value: unknown): value is Verdict {
  return VERDICTS.has(value);
}

/** What an object of a reporter's says, by own properties alone: what all objects inherit was said by nobody. */
type Claim = (key: string) => unknown;

/**
 * A copy of what was reported, with a time that can be reckoned with (the pool's own measure where the given one is none) and
 * with a code that can be shown. What is no outcome must not reach the books.
 */
export function checkedOutcome(outcome: Outcome, measuredMs: number): Outcome {
  const read = readOutcome(outcome, measuredMs);
  if (read !== undefined) return read;
  throw new FairleadError('INVALID_OUTCOME', 'a lease is settled with a response, a failure or an abandoned outcome');
}

/** The same, and undefined for what is none. */
export function readOutcome(value: unknown, measuredMs: number): Outcome | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Record<string, unknown>;
  const claim: Claim = (key) => {
    const said = fields[key];
    return said === undefined || Object.hasOwn(fields, key) ? said : undefined;
  };
  switch (claim('kind')) {
    case 'response':
      return readResponse(claim, measuredMs);
    case 'failure':
      return readFailure(claim, measuredMs);
    case 'abandoned':
      return { kind: 'abandoned', elapsedMs: timeOf(claim('elapsedMs'), measuredMs) };
    default:
      return undefined;
  }
}

function readResponse(claim: Claim, measuredMs: number): Outcome | undefined {
  const status = claim('status');
  const headers = claim('headers');
  if (!Number.isInteger(status)) return undefined;
  if (headers !== undefined && typeof (Object(headers) as Partial<HeaderView>).get !== 'function') return undefined;
  return {
    kind: 'response',
    status,
    latencyMs: timeOf(claim('latencyMs'), measuredMs),
    handshakeMs: claim('handshakeMs'),
    via: claim('via'),
    headers,
    bodyPrefix: claim('bodyPrefix'),
    opaque: claim('opaque'),
  } as ResponseOutcome;
}

function readFailure(claim: Claim, measuredMs: number): Outcome | undefined {
  const phase = claim('phase');
  const code = claim('code');
  const sent = claim('sent');
  const fault = claim('fault');
  if (!PHASES.has(phase) || typeof code !== 'string' || !FAULTS.has(fault)) return undefined;
  if (sent !== 'nothing' && sent !== 'maybe') return undefined;
  // Codes come from whoever reports, and end in messages, events and logs: there is no telling what else stands in one.
  const shown = CODE.test(code) ? code : 'OTHER';
  const elapsedMs = timeOf(claim('elapsedMs'), measuredMs);
  return { kind: 'failure', phase, code: shown, elapsedMs, sent, fault } as FailureOutcome;
}

function timeOf(value: unknown, measuredMs: number): number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : measuredMs;
}
