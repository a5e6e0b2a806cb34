import type { SharedAdmitRequest, SharedAdmitResult } from '@fairlead/core';
import type { Keys } from './keys.js';

/** The request as the script takes it. */
export function admissionOf(
  keys: Keys,
  epoch: string,
  leaseTtlMs: number,
  request: SharedAdmitRequest,
): [names: string[], args: string[]] {
  const { leaseId, candidates, target, session, emissionMs, burstMs, pin, pinned } = request;
  const names = [keys.meta, keys.suspension(target), session === undefined ? keys.meta : keys.pin(session)];
  const pace = [String(leaseTtlMs), String(emissionMs), String(burstMs)];
  const terms = [
    session === undefined ? '0' : '1',
    span(pin.ttlMs),
    span(pin.maxMs),
    span(pin.maxUses),
    pinned === undefined ? '' : String(pinned),
  ];
  const args = [epoch, leaseId, ...pace, ...terms];
  for (const { key, maxInFlight } of candidates) {
    names.push(keys.leases(key));
    if (emissionMs > 0) names.push(keys.pace(key, target));
    args.push(key, String(maxInFlight));
  }
  return [names, args];
}

/** What the script answered; undefined where the store has begun another epoch. */
export function resultOf([word, first, second, third]: readonly unknown[]): SharedAdmitResult | undefined {
  switch (word) {
    case 'ok': {
      const pin = second as 'none' | 'new' | 'kept';
      return { ok: true, index: Number(first) - 1, pin, generation: Number(third) };
    }
    case 'suspended':
      return { ok: false, reason: 'suspended', retryAfterMs: endless(first), why: String(second) };
    case 'busy':
      return { ok: false, reason: 'busy', retryAfterMs: endless(first) };
    case 'pinned-elsewhere': {
      const pinned = { endpoint: String(first), generation: Number(second) };
      return { ok: false, reason: 'pinned-elsewhere', retryAfterMs: 0, ...pinned };
    }
    case 'unpinned':
      return { ok: false, reason: 'unpinned', retryAfterMs: 0 };
    case 'recovering':
      return { ok: false, reason: 'recovering', retryAfterMs: Number(first) };
    default:
      return undefined;
  }
}

export function unavailable(retryAfterMs: number): SharedAdmitResult {
  return { ok: false, reason: 'unavailable', retryAfterMs };
}

function endless(ms: unknown): number {
  return Number(ms) < 0 ? Number.POSITIVE_INFINITY : Number(ms);
}

/** A length as the scripts take it: -1 has no end. */
export function span(ms: number): string {
  return Number.isFinite(ms) ? String(ms) : '-1';
}
