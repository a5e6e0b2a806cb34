import type { Fact } from '../kernel/fact.js';
import type { Outcome, Phase, Verdict } from '../outcome.js';
import type { Action } from './presets.js';
import { retryAfterMs } from './retry-after.js';

const BEFORE_TARGET: ReadonlySet<Phase> = new Set(['proxy-connect', 'proxy-tls', 'proxy-handshake', 'tunnel']);

/** What an outcome is to the kernel, under a policy. */
export function factOf(
  outcome: Outcome,
  verdict: Verdict,
  action: Action,
  { first, overtaken }: { readonly first: boolean; readonly overtaken: boolean },
  wallNow: () => number,
): Fact {
  const connect = outcome.kind === 'failure' && BEFORE_TARGET.has(outcome.phase);
  // That the target refused is the proxy's word while no tunnel stands, and some say so of every target: it earns no praise.
  const hearsay = connect && verdict === 'target-fault' && action.health === 'good';
  return {
    health: hearsay ? 'split' : action.health,
    answer: hearsay ? 'none' : answerOf(verdict, action),
    // One exit that was turned away is left alone there, whether or not the request goes on elsewhere.
    block: action.target === 'block' || action.target === 'count',
    grave: action.target === 'suspend' || action.target === 'count',
    connect,
    overtaken: overtaken && verdict === 'abandoned',
    elapsedMs: outcome.kind === 'response' ? outcome.latencyMs : outcome.elapsedMs,
    handshakeMs: outcome.kind === 'response' ? outcome.handshakeMs : undefined,
    first,
    retryAfterMs: askedToWait(outcome, verdict, wallNow),
  };
}

/** Only a refusal asks to wait: some targets send the headers with every answer. */
export function askedToWait(outcome: Outcome, verdict: Verdict, wallNow: () => number): number | undefined {
  if (outcome.kind !== 'response' || outcome.headers === undefined) return undefined;
  return verdict === 'throttled' || verdict === 'denied' ? retryAfterMs(outcome.headers, wallNow()) : undefined;
}

function answerOf(verdict: Verdict, { target }: Action): Fact['answer'] {
  switch (verdict) {
    case 'success':
    case 'final':
      return 'served';
    case 'throttled':
    case 'denied':
      // A policy that takes refusals for answers learns no pace from them.
      return target === 'none' ? 'served' : verdict;
    case 'target-fault':
      return target === 'breaker' ? 'broken' : 'served';
    case 'endpoint-fault':
    case 'unclear':
    case 'abandoned':
      return 'none';
    default:
      return verdict satisfies never;
  }
}
