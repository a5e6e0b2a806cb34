import type { FailureOutcome, Outcome, ResponseOutcome, Verdict } from '../outcome.js';

/** Turns what was seen into whose fault it was. */
export function classify(outcome: Outcome): Verdict {
  switch (outcome.kind) {
    case 'response':
      return ofResponse(outcome);
    case 'failure':
      return ofFailure(outcome);
    case 'abandoned':
      return 'abandoned';
    default:
      return outcome satisfies never;
  }
}

function ofResponse({ status, via }: ResponseOutcome): Verdict {
  // Without a tunnel the proxy speaks for the target, and a 407 or a gateway error may be its own.
  if (via === 'absolute' && status === 407) return 'endpoint-fault';
  if (via === 'absolute' && (status === 502 || status === 503 || status === 504)) return 'unclear';
  if (status === 429) return 'throttled';
  if (status === 403) return 'denied';
  if (status >= 500) return 'target-fault';
  return status >= 200 && status < 300 ? 'success' : 'final';
}

function ofFailure({ fault }: FailureOutcome): Verdict {
  switch (fault) {
    case 'endpoint':
      return 'endpoint-fault';
    case 'target':
      return 'target-fault';
    case 'caller':
      return 'abandoned';
    case 'unclear':
    case undefined:
      return 'unclear';
    default:
      return fault satisfies never;
  }
}
