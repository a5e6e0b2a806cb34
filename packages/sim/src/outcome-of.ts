import type { Outcome } from '@fairlead/core';
import type { ReplyKind } from './reply.js';

const CAPTCHA = new TextEncoder().encode('<title>Are you a robot?</title>');

/** What an adapter would report of an attempt that ended so: a fact, no judgement. */
export function outcomeOf(sight: ReplyKind, tookMs: number, retryAfterMs: number): Outcome {
  switch (sight) {
    case 'ok':
      return response(200, tookMs);
    case 'captcha':
      return { ...response(200, tookMs), bodyPrefix: CAPTCHA };
    case 'denied':
      return response(403, tookMs);
    case 'throttled':
      return retryAfterMs > 0 ? { ...response(429, tookMs), headers: asksToWait(retryAfterMs) } : response(429, tookMs);
    case 'target-error':
      return response(503, tookMs);
    case 'connect-fault':
      return failure('proxy-connect', 'ECONNREFUSED', tookMs, 'nothing', 'endpoint');
    case 'cut':
      return failure('response', 'ECONNRESET', tookMs, 'maybe', 'unclear');
    case 'timeout':
      // A dead endpoint that took the connection and a dead target look the same from here: the tunnel never opens.
      return failure('tunnel', 'ETIMEDOUT', tookMs, 'nothing', 'unclear');
    default:
      return sight satisfies never;
  }
}

/** The classifier of a user who looks inside: the page that is no page counts as a refusal. */
export function seesCaptcha(outcome: Outcome): 'denied' | undefined {
  return outcome.kind === 'response' && outcome.bodyPrefix === CAPTCHA ? 'denied' : undefined;
}

type Response = Extract<Outcome, { kind: 'response' }>;
type Failure = Extract<Outcome, { kind: 'failure' }>;

function response(status: number, latencyMs: number): Response {
  return { kind: 'response', status, latencyMs, via: 'tunnel' };
}

function failure(
  phase: Failure['phase'],
  code: string,
  elapsedMs: number,
  sent: Failure['sent'],
  fault: NonNullable<Failure['fault']>,
): Failure {
  return { kind: 'failure', phase, code, elapsedMs, sent, fault };
}

function asksToWait(ms: number): { get(name: string): string | undefined } {
  return { get: (name) => (name === 'retry-after' ? String(Math.ceil(ms / 1_000)) : undefined) };
}
