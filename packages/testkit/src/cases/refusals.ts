import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { poolInfo as coreInfo } from '@fairlead/core';
import type { LabServer } from '@fairlead/lab';
import type { AdapterContract } from '../contract-client.js';
import { CANARY, codesOf, failure, type World } from '../world.js';
import type { Within } from '../adapter-contract.js';

/** What never happens: a direct connection, a credential where it can be read, a process that does not end. */
export function refusalCases(within: Within, { program, poolInfo = coreInfo }: AdapterContract): void {
  describe('never', () => {
    test('connects directly when the pool is exhausted', () =>
      within(async (world) => {
        const target = await world.target();
        const empty = world.scene([]);
        expect(codesOf(await failure(empty.client.send({ url: target.url })))).toContain('POOL_EXHAUSTED');
        const held = world.scene([await world.proxy()]);
        for (const { id } of held.pool.stats().endpoints) held.pool.hold(id);
        expect(codesOf(await failure(held.client.send({ url: target.url })))).toContain('POOL_EXHAUSTED');
        const dead = world.scene([await world.fault('refuse-tcp')]);
        expect(codesOf(await failure(dead.client.send({ url: target.url })))).toContain('RETRIES_EXHAUSTED');
        expect(target.connections.opened).toBe(0);
      }));

    const HTTP = ['refuse-tcp', 'status-407', 'status-502', 'silent-on-accept', 'close-in-tunnel'] as const;
    test.each(HTTP)('shows a credential in an error (%s)', (fault) =>
      within(async (world) => showsNone(world, await world.fault(fault))),
    );

    const SOCKS = ['auth-refused', 'close-after-auth', 'silent-after-auth', 'no-acceptable-method'] as const;
    test.each(SOCKS)("shows a SOCKS proxy's credential in an error (%s)", (fault) =>
      within(async (world) => showsNone(world, await world.socksFault(fault))),
    );

    test('shows a credential in an answer, or to the target', () =>
      within(async (world) => {
        const target = await world.target();
        const scene = world.scene([await world.proxy()]);
        const { subject } = await scene.client.send({ url: `${target.url}/status/200` });
        expect(shown(subject)).not.toMatch(LEAK);
        expect(shown(poolInfo(subject))).not.toMatch(LEAK);
        expect(shown(target.requests)).not.toMatch(LEAK);
        await scene.verdicts();
      }));

    test('keeps the process from ending once the pool is closed', () =>
      within(async (world) => {
        const [target, proxy] = [await world.target(), await world.proxy()];
        const child = spawn(process.execPath, [program, proxy.url, `${target.url}/status/200`], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const [code] = (await once(child, 'exit')) as [number | null];
        expect(code).toBe(0);
        expect(target.requests).toHaveLength(1);
      }));
  });
}

/** An attempt through a proxy that fails it, and all that can be read of it afterwards. */
async function showsNone(world: World, proxy: LabServer): Promise<void> {
  const target = await world.target();
  const scene = world.scene([proxy]);
  expect(proxy.url).toMatch(LEAK);
  const pool = { attemptTimeoutMs: 200, maxAttempts: 1 };
  const error = await failure(scene.client.send({ url: `${target.url}/status/200`, pool }));
  expect(shown(error)).not.toMatch(LEAK);
  expect(shown(scene.pool.stats())).not.toMatch(LEAK);
  expect(target.connections.opened).toBe(0);
  await scene.verdicts();
}

const LEAK = new RegExp(
  [
    CANARY.user,
    CANARY.password,
    Buffer.from(`${CANARY.user}:${CANARY.password}`).toString('base64'),
    Buffer.from(CANARY.password).toString('base64').replace(/=+$/, ''),
  ].join('|'),
);

/** As a logger would print it, and more. */
function shown(value: unknown): string {
  const { stack, message }: { stack?: unknown; message?: unknown } = Object(value);
  return [inspect(value, { depth: 10, showHidden: true }), json(value), stack, message].map(String).join('\n');
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}
