import type { Outcome, Pool } from '@fairlead/core';
import { expect, test } from 'vitest';
import { Colleague, ENDPOINTS, simulatedPlace } from './places.js';

const ok: Outcome = { kind: 'response', status: 200, latencyMs: 20 };
const banned: Outcome = { kind: 'response', status: 403, latencyMs: 20 };
const dead: Outcome = {
  kind: 'failure',
  phase: 'proxy-connect',
  code: 'PROXY_CONNECT',
  elapsedMs: 1,
  sent: 'nothing',
  fault: 'endpoint',
};
const target = 'https://shop.example/';
/** What is promised of the times that users have. */
const WITHIN_MS = 1_500;
/** How far apart the moments are at which something is learned: others ask once a second. */
const PHASES = Array.from({ length: 10 }, (_, phase) => phase * 100);

async function end(colleague: Colleague, outcome: Outcome, request: object = {}): Promise<string> {
  const lease = await colleague.done(colleague.pool.acquire({ target, ...request }));
  lease.settle(outcome);
  return lease.endpoint.id;
}

/** What one worker does, and what another knows once it has heard of it. */
const lessons: Record<string, (one: Colleague) => Promise<(other: Pool) => boolean>> = {
  'a cooldown': async (one) => {
    const rests: string[] = [];
    one.pool.on('cooldown', ({ endpoint }) => rests.push(endpoint));
    while (rests.length === 0) await end(one, dead, { endpoint: ENDPOINTS[0] });
    return (other) => other.stats().endpoints.find(({ id }) => id === rests[0])?.standing === 'cooling';
  },
  'a block': async (one) => {
    const blocks: string[] = [];
    one.pool.on('blocked', ({ endpoint }) => blocks.push(endpoint));
    while (blocks.length === 0) await end(one, banned);
    return (other) => other.explain({ target }).endpoints.find(({ id }) => id === blocks[0])?.why === 'blocked';
  },
  'a suspension': async (one) => {
    one.pool.suspend('other.example', 60_000);
    return (other) => other.explain({ target: 'https://other.example/' }).suspendedForMs !== undefined;
  },
  'an exit of a session': async (one) => {
    const exit = await end(one, ok, { session: 'cart' });
    return (other) => other.sessions.lookup('cart') === exit;
  },
  'the end of a session': async (one) => {
    await end(one, ok, { session: 'cart' });
    await one.pass(3_000);
    one.pool.sessions.unbind('cart');
    return (other) => other.sessions.lookup('cart') === undefined;
  },
};

test.each(Object.keys(lessons).flatMap((lesson) => PHASES.map((phase) => [lesson, phase] as const)))(
  '%s that one worker has seen the other knows within a second and a half (%i ms after it asked)',
  async (lesson, phase) => {
    const place = simulatedPlace({});
    const one = await Colleague.join(place);
    const other = await Colleague.join(place);
    // The grace of the start is over.
    await end(one, ok, { target: 'https://first.example/' });
    await one.pass(2_000 + phase);
    const known = await lessons[lesson]!(one);
    expect(known(other.pool)).toBe(false);
    await one.pass(WITHIN_MS);
    expect(known(other.pool)).toBe(true);
    await Promise.all([one, other].map((colleague) => colleague.close()));
  },
);
