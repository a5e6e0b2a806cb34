import { text } from 'node:stream/consumers';
import { manualClock } from '@fairlead/core/testing';
import { describe, expect, test } from 'vitest';
import { failure } from '../world.js';
import type { Within } from '../adapter-contract.js';

/** What a request and an exit may move, and how long an answer may take once it has begun. */
export function boundCases(within: Within): void {
  describe('tells the pool', () => {
    test.each(['http', 'https'] as const)('of the bytes that went by each exit, target and session (%s)', (scheme) =>
      within(async (world) => {
        const target = await world.target(scheme === 'https' ? { certificate: 'good' } : {});
        const policy = { bytes: { perSession: 300_000 } };
        const scene = world.scene([await world.proxy()], { policy });
        const spent: string[] = [];
        scene.pool.on('session-spent', ({ session }) => spent.push(session));
        const request = { url: `${target.url}/bytes/200000`, pool: { session: 'cart-42' } };
        await scene.client.send(request);
        await scene.verdicts();
        const first = scene.pool.stats();
        expect(first.endpoints[0]!.bytes).toBeGreaterThan(200_000);
        expect(first.endpoints[0]!.bytes).toBeLessThan(230_000);
        expect(first.targets[0]!.bytes).toBe(first.endpoints[0]!.bytes);
        expect(spent).toEqual([]);
        await text((await scene.client.stream(request)).body);
        await scene.verdicts();
        const { endpoints, targets } = scene.pool.stats();
        expect(endpoints[0]!.bytes).toBeGreaterThan(400_000);
        expect(targets).toHaveLength(1);
        expect(spent).toEqual(['cart-42']);
      }),
    );

    test('so that an exit rests once it has moved what it may', () =>
      within(async (world) => {
        const target = await world.target();
        const [small, large] = await world.proxies(2);
        const scene = world.scene([{ url: small!.url, maxBytes: 100_000 }, large!]);
        const [one, two] = scene.pool.stats().endpoints.map(({ id }) => id);
        await scene.client.send({ url: `${target.url}/bytes/200000`, pool: { endpoint: one! } });
        await scene.verdicts();
        for (let turn = 0; turn < 3; turn += 1) await scene.client.send({ url: `${target.url}/status/200` });
        expect(scene.endpoints).toEqual([one, two, two, two]);
        await scene.verdicts();
      }));
  });

  test('ends an answer that takes longer than its body may', () =>
    within(async (world) => {
      const target = await world.target();
      const clock = manualClock();
      const scene = world.scene([await world.proxy()], { clock });
      const ends: number[] = [];
      scene.pool.on('settled', () => ends.push(clock.now()));
      const url = `${target.url}/slow?every=5`;
      const since = clock.now();
      const { body } = await scene.client.stream({ url, pool: { bodyDeadlineMs: 10_000 } });
      const broken = failure(
        (async () => {
          for await (const _ of body) clock.advance(3000);
        })(),
      );
      await broken;
      expect(await scene.verdicts()).not.toContain('endpoint-fault');
      expect(ends[0]! - since).toBeGreaterThanOrEqual(10_000);
      expect(ends[0]! - since).toBeLessThan(20_000);
    }));
}
