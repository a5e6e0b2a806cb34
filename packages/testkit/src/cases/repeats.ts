import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { poolInfo as coreInfo, roundRobin } from '@fairlead/core';
import { failure } from '../world.js';
import type { AdapterContract } from '../contract-client.js';
import type { Within } from '../adapter-contract.js';

/** What may be sent twice, and through whom. */
export function repeatCases(within: Within, { poolInfo = coreInfo }: AdapterContract): void {
  describe('repeats', () => {
    test('a GET through another endpoint each time', () =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene(await world.proxies(4));
        const { subject } = await scene.client.send({ url: `${target.url}/status/503`, pool: { maxAttempts: 3 } });
        expect(target.requests).toHaveLength(3);
        expect(new Set(scene.endpoints).size).toBe(3);
        expect(poolInfo(subject)).toMatchObject({ attempts: 3, reroutes: 0, tried: scene.endpoints });
        await scene.verdicts();
      }));

    test.each(['refuse-tcp', 'status-502', 'reset-after-request'] as const)(
      'and delivers the answer that was to be replaced where nobody brings another (%s)',
      (fault) =>
        within(async (world) => {
          const target = await world.target();
          const scene = world.scene([await world.proxy(), await world.fault(fault)]);
          const request = {
            url: `${target.url}/status/503`,
            pool: { avoid: [scene.pool.stats().endpoints[1]!.id], maxAttempts: 2 },
          };
          const { status, body, subject } = await scene.client.send(request);
          expect([status, body]).toEqual([503, 'status 503\n']);
          expect(target.requests).toHaveLength(1);
          expect(scene.endpoints).toHaveLength(2);
          expect(poolInfo(subject)).toMatchObject({ tried: scene.endpoints });
          await scene.verdicts();
        }),
    );

    test('and delivers it as a stream too', () =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene([await world.proxy(), await world.fault('refuse-tcp')]);
        const pool = { avoid: [scene.pool.stats().endpoints[1]!.id] };
        const { status, body } = await scene.client.stream({ url: `${target.url}/status/503`, pool });
        expect([status, await text(body)]).toEqual([503, 'status 503\n']);
        await scene.verdicts();
      }));

    test('but not to who has called it off', () =>
      within(async (world) => {
        const target = await world.target();
        const mute = await world.fault('silent-on-accept');
        const scene = world.scene([await world.proxy(), mute]);
        const pool = { avoid: [scene.pool.stats().endpoints[1]!.id] };
        const abort = new AbortController();
        const failed = failure(scene.client.send({ url: `${target.url}/status/503`, pool, signal: abort.signal }));
        while (mute.connections.opened === 0) await new Promise(setImmediate);
        abort.abort();
        await failed;
        expect(await scene.verdicts()).toEqual(['target-fault', 'abandoned']);
      }));

    test('no POST that the target may have seen', () =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene(await world.proxies(3));
        await scene.client.send({ url: `${target.url}/status/503`, method: 'POST', body: 'x' });
        await failure(scene.client.send({ url: `${target.url}/reset`, method: 'POST', body: 'x' }));
        expect(target.requests).toHaveLength(2);
        await scene.verdicts();
      }));

    test('a POST that the caller allows', () =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene(await world.proxies(3));
        const pool = { idempotent: true, maxAttempts: 2 };
        await scene.client.send({ url: `${target.url}/status/503`, method: 'POST', body: 'x', pool });
        expect(target.requests).toHaveLength(2);
        await scene.verdicts();
      }));

    test.each(['refuse-tcp', 'status-407', 'status-502', 'reset-after-request'] as const)(
      'a POST that was provably not sent (%s)',
      (fault) =>
        within(async (world) => {
          const target = await world.target();
          const proxies = [await world.fault(fault), await world.proxy()];
          const scene = world.scene(proxies, { strategy: roundRobin() });
          for (let turn = 0; turn < 4; turn += 1) {
            await scene.client.send({ url: `${target.url}/status/200`, method: 'POST', body: 'x' });
          }
          expect(target.requests).toHaveLength(4);
          expect((await scene.verdicts()).length).toBeGreaterThan(4);
        }),
    );

    test('no body that is gone, whatever the caller allows', () =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene(await world.proxies(3));
        const pool = { idempotent: true, maxAttempts: 3 };
        const body = Readable.from([Buffer.from('once')]);
        await failure(scene.client.send({ url: `${target.url}/reset`, method: 'PUT', body, pool }));
        expect(target.requests).toHaveLength(1);
        expect(scene.pool.stats().tasks).toMatchObject({ failed: 1, pending: 0 });
        await scene.verdicts();
      }));
  });
}
