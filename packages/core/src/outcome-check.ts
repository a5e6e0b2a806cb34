import { FairleadError } from './errors.js';
import type { Fault, Outcome, Phase, Verdict } from './outcome.js';

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

/** Whether a value from outside is an outcome: what is not must not reach the books. */
export function isOutcome(value: unknown): value is Outcome {
  const claimed: Partial<Record<string, unknown>> = Object(value);
  switch (claimed['kind']) {
    case 'response': {
      const { status, headers } = claimed;
      return Number.isInteger(status) && (headers === undefined || typeof Object(headers).get === 'function');
    }
    case 'failure': {
      const { phase, code, sent, fault } = claimed;
      return (
        PHASES.has(phase) && typeof code === 'string' && (sent === 'nothing' || sent === 'maybe') && FAULTS.has(fault)
      );
    }
    case 'abandoned':
      return true;
    default:
      return false;
  }
}

/**
 * The outcome with a time that can be reckoned with, the pool's own measure where the given one is none; and with a code that
 * can be shown.
 */
export function checkedOutcome(outcome: Outcome, measuredMs: number): Outcome {
  if (!isOutcome(outcome)) {
    throw new FairleadError('INVALID_OUTCOME', 'a lease is settled with a response, a failure or an abandoned outcome');
  }
  if (outcome.kind === 'response') return isTime(outcome.latencyMs) ? outcome : { ...outcome, latencyMs: measuredMs };
  const timed = isTime(outcome.elapsedMs) ? outcome : { ...outcome, elapsedMs: measuredMs };
  // Codes come from whoever reports, and end in messages, events and logs: there is no telling what else stands in one.
  return timed.kind === 'failure' && !CODE.test(timed.code) ? { ...timed, code: 'OTHER' } : timed;
}

function isTime(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
