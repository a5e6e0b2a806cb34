import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { AdapterContract } from '../contract-client.js';
import { codesOf, failure } from '../world.js';
import type { Within } from '../adapter-contract.js';

/** A redirect to another host is a request to another target, and takes no credential along. */
export function redirectCases(within: Within, { redirects }: AdapterContract): void {
  if (redirects === 'none') return;
  describe('a redirect to another host', () => {
    test.each(['http', 'https'] as const)('goes through the pool under a lease for that host (%s)', (scheme) =>
      within(async (world) => {
        const first = await world.target({ certificate: 'good' });
        const second = await world.target(scheme === 'https' ? { certificate: 'good' } : {});
        const scene = world.scene(await world.proxies(2));
        const targets: string[] = [];
        scene.pool.on('leased', ({ target }) => targets.push(target));
        const { status } = await scene.client.send({
          url: `${first.url}/redirect?to=${encodeURIComponent(`${second.url}/status/200`)}`,
          headers: { authorization: 'Basic canary' },
        });
        expect(status).toBe(200);
        expect(targets).toEqual([new URL(first.url).host, new URL(second.url).host]);
        expect(await scene.verdicts()).toEqual(['final', 'success']);
        expect(second.requests[0]?.headers).not.toHaveProperty('authorization');
        expect([...first.requests, ...second.requests].map(({ headers }) => headers)).not.toContainEqual(
          expect.objectContaining({ 'proxy-authorization': expect.anything() }),
        );
      }),
    );

    test('is not followed to a target that is left alone', () =>
      within(async (world) => {
        const [first, second] = [await world.target(), await world.target()];
        const scene = world.scene(await world.proxies(2));
        scene.pool.suspend(second.url, 'until-resumed');
        const url = `${first.url}/redirect?to=${encodeURIComponent(`${second.url}/status/200`)}`;
        expect(codesOf(await failure(scene.client.send({ url })))).toContain('TARGET_SUSPENDED');
        expect(second.connections.opened).toBe(0);
        expect(await scene.verdicts()).toEqual(['final']);
      }));

    test('takes a streamed body along whole, or says that it cannot', () =>
      within(async (world) => {
        const [first, second] = [await world.target(), await world.target()];
        const scene = world.scene([await world.proxy()]);
        const to = encodeURIComponent(`${second.url}/echo`);
        const url = `${first.url}/redirect?status=307&to=${to}`;
        const body = Readable.from([Buffer.from('all '), Buffer.from('of it')]);
        const answer = await scene.client.send({ url, method: 'POST', body }).catch(() => undefined);
        // undici's interceptor hands such a redirect on as it is.
        if (answer === undefined || answer.status === 307) expect(second.requests).toHaveLength(0);
        else expect(JSON.parse(answer.body)).toMatchObject({ method: 'POST', body: 'all of it' });
        await scene.verdicts();
      }));

    test.each([303, 307])('sends on what %i says it should', (status) =>
      within(async (world) => {
        const [first, second] = [await world.target(), await world.target()];
        const scene = world.scene([await world.proxy()]);
        const to = encodeURIComponent(`${second.url}/echo`);
        const url = `${first.url}/redirect?status=${status}&to=${to}`;
        const { body } = await scene.client.send({ url, method: 'POST', body: 'kept' });
        const sent = JSON.parse(body) as { method: string; body: string };
        expect(sent).toMatchObject(status === 303 ? { method: 'GET', body: '' } : { method: 'POST', body: 'kept' });
        expect((await scene.verdicts()).length).toBe(2);
      }),
    );
  });
}
