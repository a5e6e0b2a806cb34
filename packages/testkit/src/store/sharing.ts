import { describe, expect, test } from 'vitest';
import type { EndpointId, Lease, Outcome, Pool } from '@fairlead/core';
import type { AtWork } from './store-contract.js';
import { dead, heard, ok, target, until, use } from './workplace.js';

const refusal: Outcome = { kind: 'response', status: 429, latencyMs: 5, headers: { get: () => '120' } };

/** What a shared store holds to over all of its workers. */
export function sharingCases(atWork: AtWork): void {
  describe('over two workers', () => {
    test('an endpoint never carries more than it may', () =>
      atWork(async (place) => {
        const proxies = [{ url: 'http://a.example:1', maxInFlight: 3 }];
        const pools = [await place.worker({ proxies }), await place.worker({ proxies })];
        for (const pool of pools) await use(pool);
        let out = 0;
        let most = 0;
        await Promise.all(
          Array.from({ length: 60 }, async (_, turn) => {
            const lease: Lease = await pools[turn % 2]!.acquire({ target });
            out += 1;
            most = Math.max(most, out);
            await new Promise(setImmediate);
            out -= 1;
            lease.settle(ok);
          }),
        );
        expect(most).toBeLessThanOrEqual(3);
      }));

    test('an endpoint on trial carries one', () =>
      atWork(async (place) => {
        const [one, other] = [await place.worker(), await place.worker()];
        const held = [];
        for (let turn = 0; turn < 4; turn += 1) held.push(await (turn % 2 === 0 ? one : other).acquire({ target }));
        expect(new Set(held.map(({ endpoint }) => endpoint.id)).size).toBe(4);
        await expect(other.acquire({ target, deadlineMs: 300 })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
        for (const lease of held) lease.settle(ok);
      }));

    test('a session that both begin at once has one exit', () =>
      atWork(async (place) => {
        const pools = [await place.worker(), await place.worker()];
        const uses = Array.from({ length: 20 }, (_, turn) => use(pools[turn % 2]!, ok, { session: 'cart' }));
        expect(new Set(await Promise.all(uses)).size).toBe(1);
      }));

    test('a session that one has unbound is remembered by none, though another has just used it', () =>
      atWork(async (place) => {
        const [one, other] = [await place.worker(), await place.worker()];
        await use(one, ok, { session: 'cart' });
        await use(other, ok, { session: 'cart' });
        one.sessions.unbind('cart');
        await allTold(one, other);
        for (const pool of [one, other, await place.worker()]) expect(pool.sessions.lookup('cart')).toBeUndefined();
      }));

    test('a session that one has moved is remembered where it is now, though another has just used it', () =>
      atWork(async (place) => {
        const [one, other] = [await place.worker(), await place.worker()];
        const first = await use(one, ok, { session: 'cart' });
        await use(other, ok, { session: 'cart' });
        const next = await use(one, ok, { exclude: [first] });
        expect(one.sessions.bind('cart', next)).toBe(true);
        await allTold(one, other);
        for (const pool of [one, other, await place.worker()]) {
          expect(pool.sessions.lookup('cart')).toBe(next);
          expect(await use(pool, ok, { session: 'cart' })).toBe(next);
        }
      }));

    test('a session that one has unbound after the other had bound it by hand is free', () =>
      atWork(async (place) => {
        const [one, other] = [await place.worker(), await place.worker()];
        const exit = await use(one);
        expect(one.sessions.bind('cart', exit)).toBe(true);
        // Whoever binds goes on at once; what it asks after that is answered when the store has the binding.
        await use(one);
        expect(await use(other, ok, { session: 'cart' })).toBe(exit);
        other.sessions.unbind('cart');
        const held = await fill(other, exit);
        const next = await use(one, ok, { session: 'cart' });
        expect(next).not.toBe(exit);
        for (const lease of held) lease.settle(ok);
        expect(await use(other, ok, { session: 'cart' })).toBe(next);
      }));

    test('what one target said to one of them holds for both', () =>
      atWork(async (place) => {
        const [one, other] = [await place.worker(), await place.worker()];
        const told = heard(other, 'suspended');
        await use(one, refusal);
        await told;
        await expect(other.acquire({ target, deadlineMs: 500 })).rejects.toMatchObject({ code: 'TARGET_SUSPENDED' });
      }));

    test('what one has learned the other knows', () =>
      atWork(async (place) => {
        const [one, other] = [await place.worker(), await place.worker()];
        const rests = heard(other, 'cooldown');
        const good = await use(one, ok, { session: 'cart' });
        const cooled: unknown[] = [];
        one.on('cooldown', (event) => cooled.push(event));
        while (cooled.length === 0) await use(one, dead, { exclude: [good] });
        await rests;
        await until(() => other.sessions.lookup('cart'), good);
        expect(other.sessions.lookup('cart')).toBe(good);
        expect(other.stats().endpoints.find(({ id }) => id === good)?.standing).toBe('active');
      }));
  });
}

let marks = 0;

/** Until each has heard all that the other had to tell. */
async function allTold(one: Pool, other: Pool): Promise<void> {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    marks += 1;
    const mark = heard(to, 'suspended');
    from.suspend(`mark${marks}.example`, 60_000);
    await mark;
  }
}

/** Takes every place of an exit. */
async function fill(pool: Pool, endpoint: EndpointId): Promise<Lease[]> {
  const held: Lease[] = [];
  for (let turn = 0; turn < 2; turn += 1) held.push(await pool.acquire({ target, endpoint }));
  return held;
}
