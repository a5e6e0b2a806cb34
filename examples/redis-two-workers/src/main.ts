import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { redisAvailability, startRedis } from '@fairlead/lab';

const found = redisAvailability();
if (!found.available) {
  process.stdout.write(`not run: ${found.reason}\n`);
  process.exit(0);
}
const server = await startRedis();
const start = async (): Promise<ChildProcess> => {
  const child = fork(new URL('./worker.js', import.meta.url), [server.url]);
  await once(child, 'message');
  return child;
};
const [one, other] = [await start(), await start()];
const ask = async (worker: ChildProcess, order: string, word = ''): Promise<unknown> => {
  worker.send([order, word]);
  return (await once(worker, 'message'))[0];
};

try {
  const exit = String(await ask(one, 'session', 'cart-42'));
  assert.equal(await ask(other, 'session', 'cart-42'), exit, 'a session has one exit for both');
  process.stdout.write(`session cart-42 leaves by ${exit} in both processes\n`);

  const rested = String(await ask(one, 'failing', exit));
  await within(1_500, async () => (await ask(other, 'standing', rested)) === 'cooling');
  process.stdout.write(`${rested} failed in one process and rests in both\n`);

  await ask(one, 'refused');
  assert.equal(await ask(other, 'mayAsk'), 'TARGET_SUSPENDED', 'a 429 that one has seen holds for the other');
  process.stdout.write('shop.example answered 429 to one process, and the other leaves it alone\n');
} finally {
  const ended = [one, other].map((worker) => once(worker, 'exit'));
  for (const worker of [one, other]) worker.disconnect();
  await Promise.all(ended);
  await server.stop();
}

async function within(ms: number, done: () => Promise<boolean>): Promise<void> {
  for (const until = performance.now() + ms; performance.now() < until; await wait(20)) if (await done()) return;
  assert.fail(`did not happen within ${ms} ms`);
}
