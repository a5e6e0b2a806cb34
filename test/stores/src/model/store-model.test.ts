import { redisAvailability, startRedis, type RedisServer } from '@fairlead/lab';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { commands, type Model } from './commands.js';
import { Colleague, filePlace, memoryPlace, redisPlace, simulatedPlace, type Place } from './places.js';

const SEED = Number(process.env['MODEL_SEED'] ?? 1);
const { available } = redisAvailability();
let server: RedisServer;
let places = 0;

beforeAll(async () => {
  if (available) server = await startRedis();
});
afterAll(() => server?.stop());

test.each([
  ['memory', memoryPlace, 200],
  ['files', filePlace, 60],
  ['a simulated Redis', () => simulatedPlace(), 100],
] as const)(
  'a pool over %s does what its model does',
  async (_, open, runs) => {
    await holds(open, runs);
  },
  300_000,
);

describe.skipIf(!available)('over a real server', () => {
  test.each(['ioredis', 'redis'] as const)(
    'two pools through a client of %s do what their model does',
    async (library) => {
      await holds(() => redisPlace(library, server.url, `model${(places += 1)}`), 25);
    },
    300_000,
  );
});

/** Runs random commands against the pools of a place and what should come of them. */
async function holds(open: () => Place, numRuns: number): Promise<void> {
  const runs = Number(process.env['MODEL_RUNS'] ?? numRuns);
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 60, size: 'max' }), async (sequence) => {
      const place = open();
      const workers: Colleague[] = [];
      try {
        for (let index = 0; index < place.workers; index += 1) workers.push(await Colleague.join(place));
        const model: Model = { held: [], suspended: new Map(), pins: new Map() };
        await fc.asyncModelRun(() => ({ model, real: { place, workers } }), sequence);
      } finally {
        for (const worker of workers) await worker.close();
        place.close();
      }
    }),
    { numRuns: runs, seed: SEED, endOnFailure: true },
  );
}
