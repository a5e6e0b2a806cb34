import { Readable } from 'node:stream';
import { roundRobin } from '@fairlead/core';
import { describe, expect, test } from 'vitest';
import { codesOf, failure } from '../world.js';
import type { AdapterContract } from '../contract-client.js';
import type { Within } from '../adapter-contract.js';

/** Adapters report, the pool judges: what it is told must be enough to blame the right one. */
export function blameCases(within: Within, { hides407 = false }: AdapterContract): void {
  describe('blames', () => {
    test('the proxy for its 407', () =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene([await world.fault('status-407')]);
        expect(codesOf(await failure(scene.client.send({ url: target.url })))).toContain('RETRIES_EXHAUSTED');
        expect(await scene.verdicts()).toEqual(['endpoint-fault']);
      }));

    test('nobody for a tunnel that its rules forbid, where it carries a plain request without one', () =>
      within(async (world) => {
        const target = await world.target();
        const proxy = await world.proxy({ refuseConnect: { status: 403, ports: 'all' } });
        const scene = world.scene([proxy]);
        for (const body of ['a text', Readable.from([Buffer.from('a '), Buffer.from('text')])]) {
          const answer = await scene.client.send({ url: `${target.url}/echo?a=1`, method: 'POST', body });
          expect(JSON.parse(answer.body)).toMatchObject({ path: '/echo?a=1', body: 'a text' });
        }
        await scene.client.send({ url: `${target.url}/status/204` });
        expect(await scene.verdicts()).toEqual(['success', 'success', 'success']);
        expect(proxy.requests.filter(({ form }) => form === 'connect')).toHaveLength(1);
        for (const { headers } of target.requests) expect(headers).not.toHaveProperty('proxy-authorization');
      }));

    test('nobody for what such a proxy answers itself, or may have', () =>
      within(async (world) => {
        const target = await world.target();
        const proxy = await world.proxy({ refuseConnect: { status: 403, ports: 'all' } });
        const scene = world.scene([proxy]);
        const { status } = await scene.client.send({ url: `${target.url}/status/502`, method: 'POST' });
        expect(status).toBe(502);
        expect(await scene.verdicts()).toEqual(['unclear']);
      }));

    test("nobody for a target's 407, which is delivered", () =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene([await world.proxy()]);
        const answer = scene.client.send({ url: `${target.url}/status/407` });
        if (hides407) await failure(answer);
        else expect(await answer).toMatchObject({ status: 407 });
        expect(await scene.verdicts()).toEqual(['final']);
      }));

    test('the target for its 500, which is delivered when every attempt has had one', () =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene(await world.proxies(3));
        const { status } = await scene.client.send({ url: `${target.url}/status/500`, pool: { maxAttempts: 2 } });
        expect(status).toBe(500);
        expect(await scene.verdicts()).toEqual(['target-fault', 'target-fault']);
        expect(new Set(scene.endpoints).size).toBe(2);
      }));

    test('after a 429 only what the policy says: `respectful` leaves the target alone', () =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene(await world.proxies(2));
        const refused = await scene.client.send({ url: `${target.url}/status/429?retry-after=120` });
        expect(refused).toMatchObject({ status: 429 });
        const next = await failure(scene.client.send({ url: `${target.url}/status/200` }));
        expect(codesOf(next)).toContain('TARGET_SUSPENDED');
        expect(target.requests).toHaveLength(1);
      }));

    test('after a 429 only what the policy says: `relay` passes it on, `rotate` takes another exit', () =>
      within(async (world) => {
        const target = await world.target();
        const url = `${target.url}/status/429`;
        const relay = world.scene(await world.proxies(2), { policy: 'relay' });
        await relay.client.send({ url });
        expect(await relay.client.send({ url })).toMatchObject({ status: 429 });
        const rotate = world.scene(await world.proxies(2), { policy: 'rotate' });
        await rotate.client.send({ url });
        expect(new Set(rotate.endpoints).size).toBe(2);
        expect([await relay.verdicts(), await rotate.verdicts()].flat()).not.toContain('endpoint-fault');
      }));

    test('a proxy that is silent, after no longer than the attempt may take, and goes on through another', () =>
      within(async (world) => {
        const target = await world.target();
        const mute = await world.fault('silent-on-accept');
        const scene = world.scene([mute, await world.proxy()], { strategy: roundRobin() });
        for (let turn = 0; turn < 4; turn += 1) {
          const request = { url: `${target.url}/status/200`, pool: { attemptTimeoutMs: 200, deadlineMs: 30_000 } };
          expect(await scene.client.send({ ...request, method: 'POST', body: 'x' })).toMatchObject({ status: 200 });
        }
        expect(target.requests).toHaveLength(4);
        const verdicts = await scene.verdicts();
        expect(verdicts.filter((verdict) => verdict === 'success')).toHaveLength(4);
        expect(verdicts.length).toBeGreaterThan(4);
      }));
  });
}
