import { describe, expect, test } from 'vitest';
import type { Lease, Outcome } from '@fairlead/core';
import type { AtWork } from './store-contract.js';
import { dead, ok, target, use } from './workplace.js';

const refusal: Outcome = { kind: 'response', status: 429, latencyMs: 5, headers: { get: () => '120' } };

/** What every store holds to, for one worker. */
export function limitCases(atWork: AtWork): void {
  describe('its limits', () => {
    test('hold: an endpoint never carries more than it may, and a place that returns is given again', () =>
      atWork(async (place) => {
        const pool = await place.worker({ proxies: [{ url: 'http://a.example:1', maxInFlight: 2 }] });
        await use(pool);
        const held: Lease[] = [await pool.acquire({ target }), await pool.acquire({ target })];
        const third = pool.acquire({ target });
        await expect(pool.acquire({ target, deadlineMs: 200 })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
        held.pop()!.settle(ok);
        (await third).settle(ok);
        held.pop()!.settle(ok);
      }));

    test('count a place once, however often its lease is settled', () =>
      atWork(async (place) => {
        const pool = await place.worker();
        for (let turn = 0; turn < 20; turn += 1) {
          const lease = await pool.acquire({ target });
          expect(lease.settle(ok)).toBe(true);
          expect(lease.settle(ok)).toBe(false);
        }
        expect(pool.stats().inFlight).toBe(0);
      }));

    test('keep a pace between uses of one endpoint on a target', () =>
      atWork(async (place) => {
        const policy = { preset: 'rotate' as const, minIntervalMs: 60_000 };
        const pool = await place.worker({ policy });
        const used = new Set<string>();
        for (let turn = 0; turn < 4; turn += 1) used.add(await use(pool));
        expect(used.size).toBe(4);
        await expect(pool.acquire({ target, deadlineMs: 200 })).rejects.toMatchObject({
          code: /DEADLINE_EXCEEDED|POOL_EXHAUSTED/,
        });
      }));

    test('leave a target alone that asked for it, until somebody resumes it', () =>
      atWork(async (place) => {
        const pool = await place.worker();
        await use(pool, refusal);
        await expect(pool.acquire({ target, deadlineMs: 500 })).rejects.toMatchObject({ code: 'TARGET_SUSPENDED' });
        expect(pool.resumeTarget(target)).toBe(true);
        const again = await pool.acquire({ target, deadlineMs: 5_000 }).catch(() => pool.acquire({ target }));
        again.settle(ok);
      }));
  });

  describe('its sessions', () => {
    test('have one exit, also when fifty begin at once', () =>
      atWork(async (place) => {
        const pool = await place.worker();
        const ids = await Promise.all(Array.from({ length: 50 }, () => use(pool, ok, { session: 'cart' })));
        expect(new Set(ids).size).toBe(1);
      }));

    test('are not moved by a lease from before they moved', () =>
      atWork(async (place) => {
        const pool = await place.worker();
        const first = await use(pool, ok, { session: 'cart' });
        const stale = await pool.acquire({ target, session: 'cart' });
        const other = await pool.acquire({ target, exclude: [first] });
        other.settle(ok);
        expect(pool.sessions.bind('cart', other.endpoint.id)).toBe(true);
        stale.settle(dead);
        expect(await use(pool, ok, { session: 'cart' })).toBe(other.endpoint.id);
      }));

    test('are free again once unbound', () =>
      atWork(async (place) => {
        const pool = await place.worker();
        const first = await use(pool, ok, { session: 'cart' });
        expect(pool.sessions.unbind('cart')).toBe(true);
        const next = await use(pool, ok, { session: 'cart', exclude: [first] });
        expect(next).not.toBe(first);
        expect(await use(pool, ok, { session: 'cart' })).toBe(next);
      }));
  });
}
