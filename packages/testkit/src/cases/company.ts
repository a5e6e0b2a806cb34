import { describe, expect, test } from 'vitest';
import type { PolicyOptions } from '@fairlead/core';
import { failure } from '../world.js';
import { SharedRoom } from '../shared-room.js';
import type { AdapterContract } from '../contract-client.js';
import type { Within } from '../adapter-contract.js';

const RACING = { preset: 'rotate', race: { paths: 2, adaptive: false } } as const satisfies PolicyOptions;
const HEDGING = { preset: 'rotate', hedge: { perAttempt: 1 } } as const satisfies PolicyOptions;
/** Enough for the pool to know when an answer is late. */
const HISTORY = 60;

/** Several attempts of one request at once. */
export function companyCases(within: Within, { alone = false }: AdapterContract): void {
  if (alone) {
    describe('company', () => {
      test.each([HEDGING, RACING])('a policy that asks for it is refused: %j', (policy) =>
        within(async (world) => {
          const proxies = await world.proxies(2);
          expect(() => world.scene(proxies, { policy })).toThrow(
            expect.objectContaining({ code: 'POLICY_UNSUPPORTED' }),
          );
        }),
      );
    });
    return;
  }
  describe('company', () => {
    test('of two that race the first good answer is delivered, and the other is told to stop', () =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene([await world.proxy(), await world.fault('silent-on-accept')], { policy: RACING });
        const { status, body } = await scene.client.send({ url: `${target.url}/status/200` });
        expect([status, body]).toEqual([200, 'status 200\n']);
        expect(new Set(await scene.verdicts())).toEqual(new Set(['success', 'abandoned']));
        expect(scene.pool.stats()).toMatchObject({ raced: 1, tasks: { completed: 1, failed: 0 } });
      }));

    test('one that fails ends nothing while another is under way', () =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene([await world.proxy(), await world.fault('refuse-tcp')], { policy: RACING });
        for (let turn = 0; turn < 4; turn += 1) await scene.client.send({ url: `${target.url}/status/200` });
        expect(target.requests.length).toBeGreaterThanOrEqual(4);
        expect((await scene.verdicts()).filter((verdict) => verdict === 'success')).toHaveLength(4);
      }));

    test('one that is late gets company; called off, both end and nobody is blamed', () =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene(await world.proxies(3), { policy: HEDGING });
        for (let n = 0; n < HISTORY; n += 1) await scene.client.send({ url: `${target.url}/status/200` });
        const abort = new AbortController();
        const hedged = new Promise<void>((resolve) => {
          scene.pool.on('hedged', () => setImmediate(resolve));
        });
        const ends = failure(scene.client.send({ url: `${target.url}/hang`, signal: abort.signal }));
        await hedged;
        abort.abort();
        await ends;
        expect((await scene.verdicts()).slice(HISTORY)).toEqual(['abandoned', 'abandoned']);
        expect(new Set(scene.endpoints.slice(HISTORY)).size).toBe(2);
      }));

    test('asks a store that others share, and takes no place that they hold', () =>
      within(async (world) => {
        const target = await world.target();
        const proxies = (await world.proxies(2)).map(({ url }) => ({ url, maxInFlight: 1 }));
        const room = new SharedRoom();
        const other = world.scene(proxies, { store: room.store() });
        const scene = world.scene(proxies, { policy: RACING, store: room.store() });
        await Promise.all([other.pool.ready(), scene.pool.ready()]);
        const [first, second] = other.pool.stats().endpoints.map(({ id }) => id);
        const held = await other.pool.acquire({ target: target.url, endpoint: first! });
        for (let turn = 0; turn < 5; turn += 1) await scene.client.send({ url: `${target.url}/status/200` });
        expect(new Set(scene.endpoints)).toEqual(new Set([second]));
        held[Symbol.dispose]();
        await scene.verdicts();
      }));

    test('what must not be sent twice has none', () =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene(await world.proxies(2), { policy: RACING });
        await scene.client.send({ url: `${target.url}/echo`, method: 'POST', body: 'x' });
        expect(target.requests).toHaveLength(1);
        expect(await scene.verdicts()).toHaveLength(1);
      }));
  });
}
