import { describe, expect, test } from 'vitest';
import { failure } from '../world.js';
import type { Within } from '../adapter-contract.js';

/** Headers that belong to an exit: each attempt has those of its own. */
export function identityCases(within: Within): void {
  describe('headers of an attempt', () => {
    test('are asked for by endpoint, and go in the place of those of the request', () =>
      within(async (world) => {
        const target = await world.target();
        const told: unknown[] = [];
        const scene = world.scene(
          await world.proxies(2),
          {},
          {
            headers: ({ endpoint, session, tried }) => {
              told.push([endpoint, session, tried]);
              return tried === 1 ? { 'User-Agent': 'first', 'x-first': 'yes' } : { 'user-agent': 'second' };
            },
          },
        );
        const headers = { 'user-agent': 'own', 'x-own': 'kept' };
        await scene.client.send({ url: `${target.url}/status/503`, headers, pool: { maxAttempts: 2 } });
        const [first, second] = target.requests.map(({ headers: sent }) => sent);
        expect(first).toMatchObject({ 'user-agent': 'first', 'x-first': 'yes', 'x-own': 'kept' });
        expect(second).toMatchObject({ 'user-agent': 'second', 'x-own': 'kept' });
        expect(second).not.toHaveProperty('x-first');
        expect(told).toEqual(scene.endpoints.map((endpoint, index) => [endpoint, undefined, index + 1]));
        await scene.verdicts();
      }));

    test('that cannot be had end the request, and no proxy is blamed', () =>
      within(async (world) => {
        const target = await world.target();
        const headers = (): never => {
          throw new Error('no identity');
        };
        const scene = world.scene(await world.proxies(2), {}, { headers });
        await failure(scene.client.send({ url: `${target.url}/status/200` }));
        expect(await scene.verdicts()).toEqual(['abandoned']);
        expect(target.requests).toHaveLength(0);
      }));
  });
}
