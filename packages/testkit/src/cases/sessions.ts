import { describe, expect, test } from 'vitest';
import { poolInfo as coreInfo } from '@fairlead/core';
import type { AdapterContract } from '../contract-client.js';
import type { Within } from '../adapter-contract.js';

/** Who shares an exit, a tunnel, a connection: only who asked for it. */
export function sessionCases(within: Within, { poolInfo = coreInfo }: AdapterContract): void {
  describe('a session', () => {
    test('keeps its exit until that fails, and `poolInfo` tells of the change', () =>
      within(async (world) => {
        const target = await world.target();
        const proxies = await world.proxies(3);
        const scene = world.scene(proxies);
        const request = { url: `${target.url}/status/200`, pool: { session: 'cart-42' } };
        for (let turn = 0; turn < 10; turn += 1) await scene.client.send(request);
        const [kept] = scene.endpoints;
        expect(new Set(scene.endpoints).size).toBe(1);
        await proxies.find(({ port }) => kept?.includes(`:${port}`))?.close();
        const { subject } = await scene.client.send(request);
        expect(poolInfo(subject)).toMatchObject({ session: 'cart-42', exitChanged: true });
        expect(poolInfo(subject)?.endpoint).not.toBe(kept);
        await scene.verdicts();
      }));

    test('shares one exit among 200 concurrent first uses', () =>
      within(async (world) => {
        const target = await world.target();
        // Where the machine is busy, some of so many would be given up as slow and sent again.
        const scene = world.scene(await world.proxies(5), { policy: { abandon: false } });
        const request = { url: `${target.url}/status/200`, pool: { session: 'cart-42' } };
        const answers = await Promise.all(Array.from({ length: 200 }, () => scene.client.send(request)));
        expect(answers.every(({ status }) => status === 200)).toBe(true);
        expect(new Set(scene.endpoints).size).toBe(1);
        expect(await scene.verdicts()).toHaveLength(200);
      }));
  });

  describe('a kept connection', () => {
    test('never serves two endpoints', () =>
      within(async (world) => {
        const target = await world.target();
        const proxies = await world.proxies(2);
        const scene = world.scene(proxies);
        const ids = scene.pool.stats().endpoints.map(({ id }) => id);
        for (const turn of [0, 1, 0, 1, 1, 0]) {
          const before = proxies.map(({ connections }) => connections.bytesIn);
          await scene.client.send({ url: `${target.url}/status/200`, pool: { endpoint: ids[turn]! } });
          const grew = proxies.map(({ connections }, index) => connections.bytesIn > before[index]!);
          expect(grew).toEqual([turn === 0, turn === 1]);
        }
        // A connection may not be back yet when the next request goes out, but some are kept.
        expect(proxies.reduce((sum, { requests }) => sum + requests.length, 0)).toBeLessThan(6);
        await scene.verdicts();
      }));

    test('never serves two sessions, nor one and who has none', () =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene([await world.proxy()]);
        for (const session of ['one', 'two', undefined, 'one', 'two', undefined]) {
          const pool = session === undefined ? {} : { session };
          const headers = { 'x-session': session ?? 'none' };
          await scene.client.send({ url: `${target.url}/status/200`, headers, pool });
        }
        const served = new Map<number, Set<unknown>>();
        for (const { remotePort, headers } of target.requests) {
          served.set(remotePort, (served.get(remotePort) ?? new Set()).add(headers['x-session']));
        }
        expect(target.requests).toHaveLength(6);
        expect([...served.values()].every(({ size }) => size === 1)).toBe(true);
        // Each keeps its own: some may not be back yet when the next request goes out.
        expect(target.connections.opened).toBeLessThan(6);
        await scene.verdicts();
      }));

    test('of an exit that changes with each connection serves one session, and no request without one twice', () =>
      within(async (world) => {
        const target = await world.target();
        const proxy = await world.proxy({ exits: 'each-tunnel' });
        const scene = world.scene([{ url: proxy.url, rotating: true }]);
        const exitOf = async (session?: string): Promise<string> => {
          const pool = session === undefined ? {} : { session };
          const { body } = await scene.client.send({ url: `${target.url}/echo`, pool });
          return (JSON.parse(body) as { remoteAddress: string }).remoteAddress;
        };
        const one = await exitOf('one');
        const two = await exitOf('two');
        expect(two).not.toBe(one);
        expect([await exitOf('one'), await exitOf('two')]).toEqual([one, two]);
        const loose = [await exitOf(), await exitOf(), await exitOf()];
        expect(new Set([one, two, ...loose]).size).toBe(5);
        await scene.verdicts();
      }));
  });
}
