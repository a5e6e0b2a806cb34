import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { redisAvailability, startRedis, type RedisServer } from '@fairlead/lab';
import { SCRIPTS, type Verb } from '@fairlead/redis/port';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SimulatedRedis } from './simulated-redis.js';

const { available } = redisAvailability();
let server: RedisServer;
let real: Redis;

beforeAll(async () => {
  if (!available) return;
  server = await startRedis();
  real = new Redis(server.url);
  for (const script of Object.values(SCRIPTS)) await real.script('LOAD', script);
});
afterAll(async () => {
  real?.disconnect();
  await server?.stop();
});

/** One thing to do: a verb with its words, where `EPOCH` and `GENERATION` stand for what was answered last. */
interface Command {
  readonly verb: Verb;
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

const endpoints = ['a', 'b'];
const id = fc.constantFrom('1', '2', '3', '4');
const endpoint = fc.constantFrom(...endpoints);
/** Over before the next command, or for longer than the test. */
const life = fc.constantFrom('1', '60000');
const session = fc.constantFrom('s', 't');
const epoch = fc.oneof({ weight: 6, arbitrary: fc.constant('EPOCH') }, { weight: 1, arbitrary: fc.constant('7') });

const worker = fc.constantFrom('w1', 'w2');
const terms = fc.constantFrom('key 1 10000', 'key 1 10000', 'key 1 10000', 'key 2 10000');
/** Said just now, or before all that is there. */
const waited = fc.constantFrom('0', '60000');
const long = fc.constantFrom('-1', '60000');
/** What a worker says it holds: a lease, a pace, a suspension or a pin. */
const reassertion: fc.Arbitrary<{ key: string; words: string[] }> = fc.oneof(
  fc.tuple(endpoint, id).map(([at, lease]) => ({ key: `l:${at}`, words: ['l', lease, '60000', ''] })),
  fc.tuple(endpoint, life).map(([at, ms]) => ({ key: `g:${at}:x`, words: ['g', ms, '', ''] })),
  fc.constantFrom('-1', '1', '60000').map((ms) => ({ key: 't:y', words: ['t', ms, 'again', ''] })),
  fc.tuple(session, endpoint, long, fc.constantFrom('-1', '2'), long).map(([name, at, end, uses, idle]) => ({
    key: `b:${name}`,
    words: ['b', `${at} 7`, `${end} ${uses}`, idle],
  })),
);

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: admission(false) },
  { weight: 3, arbitrary: admission(true) },
  fc
    .tuple(epoch, life, endpoint, id)
    .map(([e, ttl, at, lease]): Command => ({ verb: 'renew', keys: ['m', `l:${at}`], args: [e, ttl, lease] })),
  fc.tuple(endpoint, id).map(([at, lease]): Command => ({ verb: 'release', keys: [`l:${at}`], args: [lease] })),
  id.map((lease): Command => ({ verb: 'cancel', keys: endpoints.map((at) => `l:${at}`), args: [lease] })),
  fc
    .tuple(fc.constantFrom('EPOCH', '7', ''), fc.constantFrom('0', '0', '0', '60000'), terms, fc.constantFrom('0', '1'))
    .map(([known, grace, by, lost]): Command => ({
      verb: 'recover',
      keys: ['m', 'w'],
      args: [known, grace, by, lost],
    })),
  fc.tuple(epoch, reassertion).map(([e, { key, words }]): Command => ({
    verb: 'reassert',
    keys: ['m', key],
    args: [e, ...words],
  })),
  fc
    .tuple(worker, terms)
    .map(([name, by]): Command => ({ verb: 'sentinel', keys: ['m', 'w'], args: [name, '30000', by] })),
  worker.map((name): Command => ({ verb: 'leave', keys: ['w'], args: [name] })),
  worker.map((name): Command => ({ verb: 'pull', keys: ['m', 'hv', 'w'], args: [name, 'LAST', '2', '30000'] })),
  fc.constantFrom('h:a', 'h:x').map((bucket): Command => ({ verb: 'load', keys: ['hv', bucket], args: ['0', '400'] })),
  fc.tuple(epoch, fc.constantFrom('a', 'b')).map(([e, name]): Command => ({
    verb: 'restore',
    keys: ['m', 'h:x', 'h:a'],
    args: [e, '1', `pace:${name}`, '60000', 'again', name, '0', '3', '2', '11', '4', '1', '0', '3', '0', '60000'],
  })),
  fc
    .constantFrom('0', '-1', '1', '60000')
    .map((ms): Command => ({ verb: 'suspend', keys: ['t:y'], args: [ms, 'why'] })),
  fc.constant<Command>({ verb: 'paused', keys: ['t:y'], args: [] }),
  fc.constant<Command>({ verb: 'pinned', keys: ['b:s', 'b:t'], args: [] }),
  fc
    .tuple(session, fc.constantFrom('', 'GENERATION', '7'), waited)
    .map(([name, generation, ms]): Command => ({ verb: 'unpin', keys: [`b:${name}`], args: [generation, ms] })),
  fc
    .tuple(session, endpoint, waited)
    .map(([name, at, ms]): Command => ({ verb: 'bind', keys: ['m', `b:${name}`], args: [at, '-1', '-1', '-1', ms] })),
  fc
    .tuple(epoch, worker, fc.constantFrom('1', '2', '3'), fc.constantFrom('0', '60000'))
    .map(([e, name, sequence, lifeMs]): Command => {
      const row = ['a', '5', '1', '1', '10', '4', '0', '0', '3', '1', '0'];
      const head = [e, name, sequence, '180000', `["${name} ${sequence}"]`, '1', 'pace:a', lifeMs, `told ${sequence}`];
      return { verb: 'push', keys: ['m', 'q', 'hv', 'h:x', 'w', 'h:a'], args: [...head, ...row] };
    }),
);

function admission(withSession: boolean): fc.Arbitrary<Command> {
  const target = fc.constantFrom('x', 'y');
  return fc
    .tuple(
      epoch,
      id,
      life,
      target,
      session,
      fc.constantFrom('0', '60000'),
      fc.constantFrom('-1', '2'),
      fc.constantFrom('1', '2'),
      fc.constantFrom('', '', 'GENERATION'),
    )
    .map(([e, lease, ttl, to, name, emission, uses, limit, by]): Command => ({
      verb: 'admit',
      keys: [
        'm',
        `t:${to}`,
        withSession ? `b:${name}` : 'm',
        ...endpoints.flatMap((at) => (emission === '0' ? [`l:${at}`] : [`l:${at}`, `g:${at}:${to}`])),
      ],
      args: [
        e,
        lease,
        ttl,
        emission,
        '0',
        withSession ? '1' : '0',
        '-1',
        '-1',
        uses,
        withSession ? by : '',
        ...endpoints.flatMap((at) => [at, limit]),
      ],
    }));
}

test.skipIf(!available)(
  'the simulated server answers as the real one does',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 20, maxLength: 40 }), async (commands) => {
        await real.flushdb();
        const model = new SimulatedRedis(() => Date.now());
        for (const script of Object.values(SCRIPTS)) model.load(script);
        const sides = [
          new Side(async (digest, keys, args) => real.evalsha(digest, keys.length, ...keys, ...args)),
          new Side(async (digest, keys, args) => model.run(digest, keys, args)),
        ] as const;
        for (const side of sides)
          await side.run({ verb: 'recover', keys: ['m', 'w'], args: ['', '0', 'key 1 10000', '0'] });
        for (const one of commands) {
          const [expected, answered] = [await sides[0].run(one), await sides[1].run(one)];
          expect({ one, answer: answered }).toEqual({ one, answer: expected });
          // What was to last a moment is over by the next command.
          await wait(3);
        }
        const counted = await real.hgetBuffer('h:a', 'a');
        expect(model.totalAttempts).toBe(counted === null ? 0 : counted.readUInt32LE(0));
      }),
      { numRuns: Number(process.env['SAME_RUNS'] ?? 25), seed: 1, endOnFailure: true },
    );
  },
  100_000,
);

type Run = (digest: string, keys: string[], args: string[]) => Promise<unknown>;

/** One of both servers, with what it answered last. */
class Side {
  readonly #run: Run;
  readonly #names = new Map([
    ['EPOCH', ''],
    ['GENERATION', ''],
    ['LAST', '0'],
    ['DATA', ''],
  ]);

  constructor(run: Run) {
    this.#run = run;
  }

  /** The answer without what tells the moment: numbers of epochs and generations, and what is left of a time. */
  async run({ verb, keys, args }: Command): Promise<unknown> {
    const digest = createHash('sha1').update(SCRIPTS[verb]).digest('hex');
    const words = args.map((word) => this.#names.get(word) ?? word);
    const value = await this.#run(digest, [...keys], words);
    const list: unknown[] = Array.isArray(value) ? value : [value];
    const answer = list.map(String);
    const isOwn = answer[0] === this.#names.get('EPOCH');
    if (verb === 'sentinel')
      return [isOwn, seconds(answer[1]), answer[2] === '-1', answer[3], answer[5] === this.#names.get('DATA')];
    if (verb === 'paused') return [seconds(answer[0]), answer[1]];
    if (verb === 'pinned') return list.map((pin) => pinOf(pin as unknown[]));
    if (verb === 'load') return keys[1] === 'h:x' ? othersOf(answer) : endpointsOf(answer);
    if (verb === 'pull') {
      this.#names.set('LAST', answer[2]!);
      const [workers, batches] = [list[4], list[5]] as [string[], unknown[]];
      return [isOwn, seconds(answer[1]), answer[3], [...workers].sort(), texts(batches), answer[6]];
    }
    if (verb === 'recover' && answer[0] !== '' && answer[2] === args[2]) {
      this.#names.set('EPOCH', answer[0]!);
      const isNew = this.#names.get('DATA') !== answer[3];
      this.#names.set('DATA', answer[3]!);
      return [seconds(answer[1]), answer[2], isNew, answer[0] === answer[3]];
    }
    if (verb === 'recover') return [answer[0] !== '', answer[2]];
    if (answer[0] === 'busy' || answer[0] === 'recovering') return [answer[0], seconds(answer[1])];
    if (verb === 'admit' && answer[0] === 'ok' && answer[3] !== '0') this.#names.set('GENERATION', answer[3]!);
    // How many places came back tells also when those that had run out were swept away.
    if (['release', 'cancel'].includes(verb)) return 'done';
    if (verb === 'bind') {
      this.#names.set('GENERATION', answer[1] ?? this.#names.get('GENERATION')!);
      return answer[0];
    }
    if (verb === 'admit' && answer[0] === 'ok') return answer.slice(0, 3);
    if (answer[0] === 'pinned-elsewhere') return answer.slice(0, 2);
    if (answer[0] === 'suspended') return [answer[0], answer[1] === '-1', answer[2]];
    return answer[0] === 'epoch' ? answer[0] : answer;
  }
}

/** Some milliseconds pass between the two sides. */
function seconds(ms = ''): number {
  return Number(ms) < 0 ? -1 : Math.round(Number(ms) / 1_000);
}

/** All but the generation. */
function pinOf([endpoint, , idle, left, uses]: readonly unknown[]): unknown {
  return endpoint === undefined ? [] : [endpoint, seconds(String(idle)), seconds(String(left)), uses];
}

function texts(batches: readonly unknown[]): unknown[] {
  return batches.filter((_, index) => index % 2 === 1);
}

function othersOf(answer: readonly string[]): unknown {
  return chunks(answer.slice(2), 3).map(([name, , record]) => [name, record]);
}

/** Name, attempts, masses, latency, limit, spells, misses, flags, whether it is good, and whether it rests. */
function endpointsOf(answer: readonly string[]): unknown {
  return chunks(answer.slice(2), 12).map(([name, ...words]) => {
    const numbers = words.map(Number);
    return [
      name,
      ...numbers.map((value, index) => (index === 3 ? 0 : Math.round(value / (index === 10 ? 1_000 : 0.1)))),
    ];
  });
}

function chunks(words: readonly string[], size: number): string[][] {
  return Array.from({ length: words.length / size }, (_, index) =>
    words.slice(index * size, (index + 1) * size),
  ).sort();
}
