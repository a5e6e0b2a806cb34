import { Readable } from 'node:stream';
import { roundRobin } from '@fairlead/core';
import { manualClock } from '@fairlead/core/testing';
import { describe, expect, test } from 'vitest';
import type { AdapterContract } from '../contract-client.js';
import { failure } from '../world.js';
import type { Within } from '../adapter-contract.js';

/** One attempt is one lease, settled exactly once, whatever the answer and however it ends. */
export function settlementCases(within: Within, { redirects }: AdapterContract): void {
  describe('settles each lease once', () => {
    test.each([
      ['an answer', '/status/200', 'GET', 'success'],
      ['an answer to HEAD', '/status/200', 'HEAD', 'success'],
      ['204', '/status/204', 'GET', 'success'],
      ['304', '/status/304', 'GET', 'final'],
      ['404', '/status/404', 'GET', 'final'],
      ['a compressed answer', '/gzip/100000', 'GET', 'success'],
      ['cookies', '/cookies?a=1', 'GET', 'success'],
    ])('%s', (_, path, method, verdict) =>
      within(async (world) => {
        const [target, proxy] = [await world.target(), await world.proxy()];
        const scene = world.scene([proxy]);
        const { status } = await scene.client.send({ url: target.url + path, method });
        expect(status).toBe(path.startsWith('/status/') ? Number(path.slice(8)) : 200);
        expect(await scene.verdicts()).toEqual([verdict]);
        expect(proxy.requests).toHaveLength(1);
      }),
    );

    test.each(['http', 'https'] as const)('a body of a megabyte over %s, streamed and read to its end', (scheme) =>
      within(async (world) => {
        const target = await world.target(scheme === 'https' ? { certificate: 'good' } : {});
        const scene = world.scene([await world.proxy()]);
        const { body } = await scene.client.stream({ url: `${target.url}/bytes/1000000` });
        expect(scene.pool.stats().inFlight).toBe(1);
        let size = 0;
        for await (const chunk of body) size += (chunk as Uint8Array).length;
        expect(size).toBe(1_000_000);
        expect(await scene.verdicts()).toEqual(['success']);
      }),
    );

    test('a streamed body that its reader drops half way: nobody is blamed', () =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene([await world.proxy()]);
        const { body } = await scene.client.stream({ url: `${target.url}/bytes/20000000` });
        for await (const _ of body) break;
        expect(await scene.verdicts()).toEqual(['abandoned']);
      }));

    test('a streamed body that is never read: taken back when it shows no life', () =>
      within(async (world) => {
        const target = await world.target();
        const clock = manualClock();
        const scene = world.scene([await world.proxy()], { leaseIdleMs: 60_000, clock });
        const { body } = await scene.client.stream({ url: `${target.url}/bytes/20000000` });
        body.on('error', () => undefined);
        clock.advance(61_000);
        expect(await scene.verdicts()).toEqual(['abandoned']);
      }));

    test.each(['reset-body', 'close-body'])('a streamed body that breaks (%s)', (route) =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene([await world.proxy()]);
        const { body } = await scene.client.stream({ url: `${target.url}/${route}/500` });
        await failure(body.toArray());
        expect(await scene.verdicts()).toEqual(['unclear']);
      }),
    );

    test.each([
      ['an answer that breaks off', '/reset-body/500', 'unclear'],
      ['a reset before any answer', '/reset', 'unclear'],
      ['a close before any answer', '/close', 'unclear'],
    ])('%s', (_, path, verdict) =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene([await world.proxy()]);
        await failure(scene.client.send({ url: target.url + path, pool: { maxAttempts: 1 } }));
        expect(await scene.verdicts()).toEqual([verdict]);
      }),
    );

    test("the library's own timeout, while the target is silent", () =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene([await world.proxy()]);
        await failure(scene.client.send({ url: `${target.url}/hang`, timeoutMs: 200, pool: { maxAttempts: 1 } }));
        expect(await scene.verdicts()).toEqual(['unclear']);
      }));

    test.each([
      ['a text', () => 'x'.repeat(200_000)],
      ['a stream', () => Readable.from(Array.from({ length: 20 }, () => Buffer.alloc(10_000, 'x')))],
    ])('an upload of %s', (_, body) =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene([await world.proxy()]);
        const answer = await scene.client.send({ url: `${target.url}/echo`, method: 'POST', body: body() });
        expect((JSON.parse(answer.body) as { body: string }).body).toHaveLength(200_000);
        expect(await scene.verdicts()).toEqual(['success']);
      }),
    );

    test('a dead proxy, and the one that took its place', () =>
      within(async (world) => {
        const target = await world.target();
        const [dead, alive] = [await world.fault('refuse-tcp'), await world.proxy()];
        const scene = world.scene([dead, alive], { strategy: roundRobin() });
        for (let turn = 0; turn < 8; turn += 1) await scene.client.send({ url: `${target.url}/status/200` });
        const verdicts = await scene.verdicts();
        expect(verdicts.filter((verdict) => verdict === 'success')).toHaveLength(8);
        expect(verdicts).toContain('endpoint-fault');
      }));

    if (redirects === 'none') return;
    test('a redirect on one host', () =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene(await world.proxies(3));
        const { status } = await scene.client.send({ url: `${target.url}/redirect?to=/status/200` });
        expect(status).toBe(200);
        expect(await scene.verdicts()).toEqual(redirects === 'same-lease' ? ['success'] : ['final', 'success']);
      }));
  });
}
