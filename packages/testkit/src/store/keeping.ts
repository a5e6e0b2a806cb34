import { describe, expect, test } from 'vitest';
import type { AtWork } from './store-contract.js';
import { dead, ok, target, use } from './workplace.js';

/** What a store that keeps things gives back at the next start. */
export function keepingCases(atWork: AtWork): void {
  describe('after a restart', () => {
    test('sessions have their exits, and those that were unbound have none', () =>
      atWork(async (place) => {
        const first = await place.worker();
        const exit = await use(first, ok, { session: 'cart' });
        await use(first, ok, { session: 'gone' });
        first.sessions.unbind('gone');
        await first.close();
        const second = await place.worker();
        expect(second.sessions.lookup('cart')).toBe(exit);
        expect(second.sessions.lookup('gone')).toBeUndefined();
        expect(await use(second, ok, { session: 'cart' })).toBe(exit);
      }));

    test('a suspended target is still left alone, and one that was resumed is not', () =>
      atWork(async (place) => {
        const first = await place.worker();
        first.suspend('shop.example', 'until-resumed');
        first.suspend('other.example', 60_000);
        first.resumeTarget('other.example');
        await first.close();
        const second = await place.worker();
        await expect(second.acquire({ target, deadlineMs: 500 })).rejects.toMatchObject({ code: 'TARGET_SUSPENDED' });
        (await second.acquire({ target: 'https://other.example/' })).settle(ok);
      }));

    test('what was good is good, and what rested rests', () =>
      atWork(async (place) => {
        const first = await place.worker();
        const good = await use(first);
        const cooled: string[] = [];
        first.on('cooldown', ({ endpoint }) => cooled.push(endpoint));
        while (cooled.length === 0) await use(first, dead, { exclude: [good] });
        await first.close();
        const second = await place.worker();
        const standing = Object.fromEntries(
          second.stats().endpoints.map((endpoint) => [endpoint.id, endpoint.standing]),
        );
        expect(standing).toMatchObject({ [good]: 'active', [cooled[0]!]: 'cooling' });
      }));
  });
}
