import type { Fault, Outcome, ResponseOutcome, Verdict } from '../outcome.js';
import { parseProxyStatus } from './proxy-status.js';
import { readHeader } from './retry-after.js';

/** Turns what was seen into whose fault it was. */
export function classify(outcome: Outcome): Verdict {
  switch (outcome.kind) {
    case 'response':
      return ofResponse(outcome);
    case 'failure':
      return ofFault(outcome.fault);
    case 'abandoned':
      return 'abandoned';
    default:
      return outcome satisfies never;
  }
}

function ofResponse(outcome: ResponseOutcome): Verdict {
  const { status, via } = outcome;
  const spoken = via === 'absolute' ? ofSpokesman(outcome) : undefined;
  if (spoken !== undefined) return spoken;
  if (status === 429) return 'throttled';
  if (status === 403) return 'denied';
  if (status >= 500) return 'target-fault';
  return status >= 200 && status < 300 ? 'success' : 'final';
}

/** What a proxy without a tunnel gives for the target's answer, and may be its own: rules, quotas, trouble. */
const EITHERS = new Set([403, 429, 500, 502, 503, 504]);

/** Without a tunnel the proxy speaks for the target; undefined where it can only be passing on. */
function ofSpokesman({ status, headers }: ResponseOutcome): Verdict | undefined {
  if (status < 400) return undefined;
  const said = parseProxyStatus(headers === undefined ? undefined : readHeader(headers, 'proxy-status'));
  if (said !== undefined) return ofFault(said.fault);
  if (status === 407) return 'endpoint-fault';
  return EITHERS.has(status) ? 'unclear' : undefined;
}

function ofFault(fault: Fault | undefined): Verdict {
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
