import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);

/** What a program of its own prints until it ends by itself; it has the pool as users have it, built. */
async function printed(body: string): Promise<string> {
  const program = `import { createPool, summaryLog } from '@fairlead/core'; const target = 'a.example';
    const ok = { kind: 'response', status: 200, latencyMs: 1 }; ${body}`;
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd, timeout: 30_000 });
  return stdout;
}

test.each([
  [
    'a pace that is kept',
    `const pool = createPool({ proxies: ['http://a:1'], policy: { minIntervalMs: 150 } });
     for (let page = 0; page < 3; page += 1) await pool.run({ target }, () => console.log('page'));`,
    'page\npage\npage\n',
  ],
  [
    'a target that is left alone',
    `const pool = createPool({ proxies: ['http://a:1'] });
     pool.suspend(target, 150);
     (await pool.acquire({ target })).settle(ok);
     console.log('served');`,
    'served\n',
  ],
  [
    'a place that nobody gives back in time',
    `const pool = createPool({ proxies: [{ url: 'http://a:1', maxInFlight: 1 }] });
     await pool.acquire({ target });
     await pool.acquire({ target, deadlineMs: 150 }).catch(({ code }) => console.log(code));`,
    'DEADLINE_EXCEEDED\n',
  ],
  [
    'an attempt that hangs until the pool gives it up',
    `const pool = createPool({ proxies: ['http://a:1'], policy: { attemptTimeoutMs: 150 } });
     await pool.run({ target, method: 'POST' }, () => new Promise(() => {})).catch(({ code }) => console.log(code));`,
    'LEASE_ENDED\n',
  ],
  [
    'a job, and the wait for its result',
    `const pool = createPool({ proxies: ['http://a:1'], policy: { minIntervalMs: 150 }, maxWaiting: 1 });
     const jobs = await pool.submitBatch([{ target }, { target }, { target }], () => 'done');
     console.log(await jobs[2].withTimeout(1), await jobs[2].result);`,
    'undefined done\n',
  ],
])('a program lives through %s', async (_, body, wanted) => {
  expect(await printed(body)).toBe(wanted);
});

test('a program ends although its pool is open, with a lease out and a summary to write', async () => {
  const body = `const pool = createPool({ proxies: ['http://a:1'] });
    summaryLog(pool, () => console.log('late'));
    await pool.acquire({ target });
    console.log('end');`;
  expect(await printed(body)).toBe('end\n');
});

test('a program ends when its pool closes, whatever was waiting', async () => {
  const body = `const pool = createPool({ proxies: ['http://a:1'], policy: { minIntervalMs: 30_000 } });
    const runs = [0, 1, 2].map(() => pool.run({ target }, () => 'page').catch(({ code }) => code));
    await runs[0];
    await pool.close();
    console.log((await Promise.all(runs)).join());`;
  expect(await printed(body)).toBe('page,POOL_CLOSED,POOL_CLOSED\n');
});
