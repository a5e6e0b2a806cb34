// One of several processes that share a pool: takes and gives back places until told to stop, and writes every one of them down.
import { openSync, writeSync } from 'node:fs';
import { createPool } from '@fairlead/core';
import { redisStore, type RedisClient, type RedisPort } from '@fairlead/redis';
import { Redis } from 'ioredis';
import type { WorkerOrder } from './order.js';

const order = JSON.parse(process.argv[3] ?? '{}') as WorkerOrder;
const log = openSync(order.log, 'a');
const say = (line: string): void => void writeSync(1, `${line}\n`);
/** Before anything else happens: what was written down is there even if the process is killed now. */
const note = (line: string): void => void writeSync(log, `${line}\n`);
/** The same clock for all processes of the machine. */
const now = (): string => (Number(process.hrtime.bigint() / 1000n) / 1000).toFixed(3);

const client = new Redis({
  host: '127.0.0.1',
  port: order.port,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  connectTimeout: 500,
  retryStrategy: () => 50,
});
client.on('error', () => undefined);

/** Writes down the batches of soft records: their number, their epoch and how many attempts they speak of. */
const port: RedisPort = {
  async evalSha(digest, keys, args) {
    const attempts = isPush(keys) ? attemptsIn(keys, args) : undefined;
    if (attempts !== undefined) note(`B ${args[1]} ${args[2]} ${args[0]} ${attempts}`);
    const answer = await client.evalsha(digest, keys.length, ...keys, ...args);
    if (attempts !== undefined && Array.isArray(answer) && answer[0] === 'ok') note(`A ${args[1]} ${args[2]}`);
    return answer;
  },
  load: async (script) => String(await client.script('LOAD', script)),
  command: (name, ...args) => client.call(name, ...args),
  isUp: () => client.status === 'ready',
  onChange(listener) {
    client.on('ready', () => listener(true));
    client.on('close', () => listener(false));
    return () => client.removeAllListeners('ready');
  },
  close: async () => client.disconnect(),
};

const proxies = Array.from({ length: order.endpoints }, (_, index) => ({
  url: `http://e${index}.example:1`,
  maxInFlight: order.limit,
}));
const { leaseTtlMs, whenDown, pool: name } = order;
const store = redisStore({
  client: port as RedisClient,
  pool: name,
  poolKey: 'a secret for the matrix',
  leaseTtlMs,
  whenDown,
});
const policy = {
  preset: 'respectful' as const,
  abandon: false,
  targets: [{ match: 'paced.example', minIntervalMs: order.paceMs }],
};
const pool = createPool({ proxies, store, policy, deadlineMs: 60_000, maxWaiting: 10_000 });
const index = new Map(proxies.map(({ url }, at) => [url, at]));
pool.on('store', ({ state, why }) => note(`S ${now()} ${state} ${why}`));
pool.on('lease-lost', ({ leaseId }) => note(`L ${now()} ${leaseId}`));
await pool.ready();
say('ready');

const stop = new AbortController();
let grants = 0;
// Told to rest, it uses nothing any more but stays; told to end, it gives back what it has and goes.
const ended = new Promise<void>((resolve) => process.once('SIGTERM', () => resolve()));
process.once('SIGUSR2', () => stop.abort());
void ended.then(() => stop.abort());
const counting = setInterval(() => say(`n ${grants}`), 100);
// That it is alive: a gap in these is a time in which it did nothing.
const beating = setInterval(() => note(`H ${now()}`), 20);
// Ends with its parent: nobody would read what it says.
process.stdin.on('end', () => process.exit(0)).resume();

async function caller(target: string, hold: () => number): Promise<void> {
  while (!stop.signal.aborted) {
    try {
      const lease = await pool.acquire({ target });
      grants += 1;
      note(`G ${now()} ${lease.id} ${index.get(lease.endpoint.id)} ${target === 'paced.example' ? 'p' : 'f'}`);
      const until = hold();
      await (until === 0 ? new Promise(setImmediate) : new Promise((resolve) => setTimeout(resolve, until)));
      if (lease.settled) continue;
      note(`R ${now()} ${lease.id}`);
      lease.settle({ kind: 'response', status: 200, latencyMs: 5 });
    } catch (error) {
      if ((error as { code?: unknown }).code === 'POOL_CLOSED') return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const quick = Array.from({ length: order.callers }, () => caller('free.example', () => (Math.random() < 0.5 ? 0 : 2)));
// A few that take long: what a wipe forgets is what they hold.
const slow = Array.from({ length: 6 }, () => caller('free.example', () => 300 + Math.random() * 500));
const paced = [caller('paced.example', () => 1), caller('paced.example', () => 1)];
await Promise.all([...quick, ...slow]);
say('resting');
await ended;
clearInterval(counting);
clearInterval(beating);
await pool.close();
void paced;
say('closed');
process.exit(0);

function isPush(keys: readonly string[]): boolean {
  return keys.length >= 5 && keys[1]!.endsWith(':q');
}

/** The endpoint rows stand at the end, eleven words each; the second word of each is its attempts. */
function attemptsIn(keys: readonly string[], args: readonly string[]): number {
  const rows = keys.length - 5;
  const first = args.length - rows * 11;
  let attempts = 0;
  for (let row = 0; row < rows; row += 1) attempts += Number(args[first + row * 11 + 1]);
  return attempts;
}
