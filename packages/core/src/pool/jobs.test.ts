import { expect, test } from 'vitest';
import { manualClock } from '../testing/manual-clock.js';
import { createPool } from './pool.js';

const target = 'https://shop.example/';
const never = () => new Promise<never>(() => undefined);

function setUp(maxWaiting: number) {
  const clock = manualClock();
  return { clock, pool: createPool({ proxies: ['http://a:1', 'http://b:1'], clock, maxWaiting }) };
}

test('whoever waits for room waits no longer than the request may take', async () => {
  const { clock, pool } = setUp(1);
  pool.trySubmit({ target }, never);
  const late = pool.submit({ target, deadlineMs: 5000 }, never);
  clock.advance(5000);
  await expect(late).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
});

test('what waiting for room took is gone from the deadline of the job', async () => {
  const { clock, pool } = setUp(1);
  const first = pool.trySubmit({ target, deadlineMs: 60_000 }, never);
  const second = pool.submit({ target, deadlineMs: 5000 }, ({ signal }) => {
    return new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  });
  clock.advance(4000);
  first.cancel();
  const job = await second;
  const ended = expect(job.result).rejects.toThrow();
  clock.advance(1500);
  await ended;
});

test('a higher bound lets in who waits for room', async () => {
  const { pool } = setUp(1);
  pool.trySubmit({ target }, never);
  const second = pool.submit({ target }, () => 'done');
  pool.update({ maxWaiting: 2 });
  expect(await (await second).result).toBe('done');
});

test('a batch with a mistake in it sends nothing', async () => {
  const { pool } = setUp(10);
  let sent = 0;
  const mistaken = [{ target }, { target }, { target, deadlineMs: -1 }];
  await expect(pool.submitBatch(mistaken, () => (sent += 1))).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  expect(sent).toBe(0);
});

test('a batch has a handle for each of its requests, also for those that found no room', async () => {
  const { clock, pool } = setUp(1);
  pool.trySubmit({ target, deadlineMs: Infinity }, never);
  const ahead = pool.submit({ target, deadlineMs: 2000 }, never);
  const full = await pool.submitBatch([{ target }, { target }], never);
  for (const { result } of full) await expect(result).rejects.toMatchObject({ code: 'QUEUE_FULL' });
  clock.advance(2000);
  await expect(ahead).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  const late = pool.submitBatch(
    [
      { target, deadlineMs: 1000 },
      { target, signal: AbortSignal.abort() },
    ],
    never,
  );
  clock.advance(1000);
  const [first, second] = await late;
  await expect(first!.result).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  await expect(second!.result).rejects.toMatchObject({ code: 'ABORTED' });
});

test('a batch that the close of the pool cuts short gives back what it has sent', async () => {
  const { pool } = setUp(1);
  const batch = pool.submitBatch([{ target }, { target }], never);
  await Promise.resolve();
  await pool.close();
  const [sent, refused] = await batch;
  expect(sent).toBeDefined();
  await expect(refused!.result).rejects.toMatchObject({ code: 'POOL_CLOSED' });
});

test('a wait for a job that has no length is refused by name', async () => {
  const { pool } = setUp(1);
  const job = pool.trySubmit({ target }, never);
  for (const ms of [Number.NaN, -1, '5']) await expect(job.withTimeout(ms as number)).rejects.toThrow('withTimeout');
});

test('who has called it off already is given no lease', () => {
  const { pool } = setUp(1);
  expect(pool.tryAcquire({ target, signal: AbortSignal.abort() })).toBeUndefined();
});

test('a place that is free goes to who waited for it, whoever asks in that moment', async () => {
  const { pool } = setUp(1);
  const order: string[] = [];
  let finish = (): void => undefined;
  const first = pool.trySubmit({ target }, () => new Promise<void>((resolve) => (finish = resolve)));
  await Promise.resolve();
  const second = pool.submit({ target }, () => void order.push('second'));
  // Asks as soon as the first has ended, like a loop that awaits one job after another.
  const third = first.result.then(() => pool.submit({ target }, () => void order.push('third')));
  finish();
  await (
    await second
  ).result;
  await (
    await third
  ).result;
  expect(order).toEqual(['second', 'third']);
});

test('one loop of jobs starves nobody', async () => {
  const { pool } = setUp(1);
  let others = 0;
  const hold = pool.trySubmit({ target }, () => new Promise<void>((resolve) => setImmediate(resolve)));
  const waiting = pool.submit({ target }, () => 'served').then(async ({ result }) => result);
  await hold.result;
  const loop = async (): Promise<void> => {
    for (; others < 50; others += 1) await (await pool.submit({ target }, () => undefined)).result;
  };
  await Promise.race([waiting, loop()]);
  expect(await waiting).toBe('served');
  expect(others).toBeLessThan(3);
});
