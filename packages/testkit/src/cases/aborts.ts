import { describe, expect, test } from 'vitest';
import { failure, type Scene } from '../world.js';
import type { Within } from '../adapter-contract.js';

/** The caller's abort frees the place at once and blames nobody, whenever it comes. */
export function abortCases(within: Within): void {
  describe('an abort blames nobody', () => {
    test('before anything was sent', () =>
      within(async (world) => {
        const [target, proxy] = [await world.target(), await world.proxy()];
        const scene = world.scene([proxy]);
        await failure(scene.client.send({ url: `${target.url}/status/200`, signal: AbortSignal.abort() }));
        expect(proxy.requests).toHaveLength(0);
        expect(await scene.verdicts()).toEqual([]);
      }));

    test('while it waits for a proxy to become free', () =>
      within(async (world) => {
        const [target, proxy] = [await world.target(), await world.proxy()];
        const scene = world.scene([{ url: proxy.url, maxInFlight: 1 }]);
        const lease = await scene.pool.acquire({ target: target.url });
        const controller = new AbortController();
        const waiting = failure(scene.client.send({ url: `${target.url}/status/200`, signal: controller.signal }));
        await until(() => scene.pool.stats().waiting === 1);
        controller.abort();
        await waiting;
        expect(scene.pool.stats().waiting).toBe(0);
        lease[Symbol.dispose]();
        expect(await scene.verdicts()).toEqual(['abandoned']);
      }));

    test('while the proxy is being dialled', () =>
      within(async (world) => {
        const target = await world.target();
        const mute = await world.fault('silent-on-accept');
        const scene = world.scene([mute]);
        await aborted(scene, `${target.url}/status/200`, () => mute.connections.opened === 1);
        expect(await scene.verdicts()).toEqual(['abandoned']);
      }));

    test('while the target is silent', () =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene([await world.proxy()]);
        await aborted(scene, `${target.url}/hang`, () => target.requests.length === 1);
        expect(await scene.verdicts()).toEqual(['abandoned']);
      }));

    test('unless its signal has timed out: that is a timeout of the client, and nobody is blamed alone', () =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene([await world.proxy()]);
        const controller = new AbortController();
        const failed = failure(scene.client.send({ url: `${target.url}/hang`, signal: controller.signal }));
        await until(() => target.requests.length === 1);
        // As `AbortSignal.timeout` does it.
        controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
        await failed;
        expect(await scene.verdicts()).toEqual(['unclear']);
      }));

    test('in the middle of an answer', () =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene([await world.proxy()]);
        const controller = new AbortController();
        const { signal } = controller;
        const { body } = await scene.client.stream({ url: `${target.url}/slow?every=5`, signal });
        const broken = failure(
          (async () => {
            for await (const _ of body) controller.abort();
          })(),
        );
        await broken;
        expect(await scene.verdicts()).toEqual(['abandoned']);
      }));
  });
}

async function aborted(scene: Scene, url: string, underWay: () => boolean): Promise<void> {
  const controller = new AbortController();
  const failed = failure(scene.client.send({ url, signal: controller.signal }));
  await until(underWay);
  controller.abort();
  await failed;
}

/** Turns of the loop, not time: what is waited for happens in this process. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
