import type { Lease, Outcome } from '@fairlead/core';
import fc from 'fast-check';
import { expect } from 'vitest';
import { Colleague, ENDPOINTS, LIMIT, SESSION_MS, type Place } from './places.js';

const ok: Outcome = { kind: 'response', status: 200, latencyMs: 20 };
/** Around the end of something either is right: asking takes time, too. */
const BLUR_MS = 1_000;
const REFUSED_MS = 80;
const PATIENT_MS = 5_000;
const MINUTE_MS = 60_000;
/** A lease goes on until it is settled. */
const LASTING_MS = 86_400_000;
const NEVER = Number.POSITIVE_INFINITY;

/** What everyone may rely on, whatever else they believe. */
export interface Model {
  readonly held: { readonly worker: number; readonly endpoint: string; readonly lease: Lease }[];
  /** Of each target, until when. */
  readonly suspended: Map<string, number>;
  readonly pins: Map<string, { readonly endpoint: string; readonly until: number }>;
}

export interface Real {
  readonly place: Place;
  readonly workers: Colleague[];
}

export type Command = fc.AsyncCommand<Model, Real>;

/** What the model foresees of a question; where it is not sure, either will do. */
type Foreseen = 'granted' | 'refused' | 'either';

interface Question {
  readonly target: string;
  readonly session?: string;
}

const worker = fc.nat({ max: 1 });
const target = fc.constantFrom('one.example', 'two.example');
const session = fc.constantFrom('cart', 'search');

/** Everything that can be asked of a pool over a store. */
export const commands: fc.Arbitrary<Command>[] = [
  fc.tuple(worker, target).map(([who, where]) => acquire(who, { target: where })),
  fc.tuple(worker, target, session).map(([who, where, name]) => acquire(who, { target: where, session: name })),
  fc.nat({ max: 9 }).map(settle),
  fc.nat({ max: 9 }).map(settle),
  fc.tuple(worker, target, fc.boolean()).map(([who, where, endless]) => suspend(who, where, endless)),
  fc.tuple(worker, target).map(([who, where]) => resume(who, where)),
  fc.tuple(worker, session, fc.constantFrom(...ENDPOINTS)).map(([who, name, exit]) => bind(who, name, exit)),
  fc.tuple(worker, session).map(([who, name]) => unbind(who, name)),
  worker.map(restart),
  fc.constantFrom(5_000, 20_000, 61_000).map(pass),
  fc.constant(agree()),
];

function command(words: string, run: Command['run'], check: Command['check'] = () => true): Command {
  return { check, run, toString: () => words };
}

function acquire(who: number, question: Question): Command {
  return command(`acquire(${who}, ${JSON.stringify(question)})`, async (model, { workers }) => {
    const at = who % workers.length;
    const colleague = workers[at]!;
    const foreseen = foresee(model, question, colleague);
    const kept = pinOf(model, question, colleague.now);
    const lease = await ask(colleague, question, foreseen);
    const got = lease?.endpoint.id;
    expect({ foreseen, got: got === undefined ? 'refused' : 'granted' }).toEqual({
      foreseen,
      got: foreseen === 'either' ? expect.anything() : foreseen,
    });
    if (lease === undefined || got === undefined) return;
    if (kept.sure && kept.endpoint !== undefined) expect(got).toBe(kept.endpoint);
    model.held.push({ worker: at, endpoint: got, lease });
    expect(inFlight(model, got)).toBeLessThanOrEqual(LIMIT);
    if (question.session === undefined) return;
    model.pins.set(question.session, { endpoint: got, until: colleague.now + SESSION_MS });
  });
}

/** What others said may not have been heard here yet: who is to be granted has time. */
async function ask(colleague: Colleague, question: Question, foreseen: Foreseen): Promise<Lease | undefined> {
  const until = colleague.now + PATIENT_MS;
  for (;;) {
    const answer = await colleague.within(foreseen === 'granted' ? PATIENT_MS : REFUSED_MS, (signal) =>
      colleague.pool.acquire({ ...question, deadlineMs: LASTING_MS, attemptTimeoutMs: LASTING_MS, signal }),
    );
    if (!(answer instanceof Error)) return answer;
    expect(answer).toMatchObject({ code: expect.stringMatching(/^(ABORTED|TARGET_SUSPENDED)$/) });
    if (foreseen !== 'granted' || colleague.now >= until) return undefined;
    await colleague.pause();
  }
}

function foresee(model: Model, question: Question, { now, pool }: Colleague): Foreseen {
  const until = model.suspended.get(question.target) ?? 0;
  if (until > now + BLUR_MS) return 'refused';
  const kept = pinOf(model, question, now);
  if (until > now - BLUR_MS || !kept.sure) return 'either';
  const exits = kept.endpoint === undefined ? ENDPOINTS : [kept.endpoint];
  if (exits.every((exit) => inFlight(model, exit) >= LIMIT)) return 'refused';
  // One that is not known yet carries one at a time.
  const active = new Set(
    pool.stats().endpoints.flatMap(({ id, standing }) => (standing === 'active' ? [`${id}`] : [])),
  );
  return exits.some((exit) => inFlight(model, exit) < (active.has(exit) ? LIMIT : 1)) ? 'granted' : 'either';
}

/** The exit that a session has; `sure` is false around its end. */
function pinOf({ pins }: Model, question: Question, now: number): { sure: boolean; endpoint?: string } {
  const pin = question.session === undefined ? undefined : pins.get(question.session);
  if (pin === undefined || pin.until < now - BLUR_MS) return { sure: true };
  return { sure: pin.until > now + BLUR_MS, endpoint: pin.endpoint };
}

function inFlight({ held }: Model, exit: string): number {
  return held.filter(({ endpoint }) => endpoint === exit).length;
}

function settle(which: number): Command {
  return command(
    `settle(${which})`,
    async (model, { workers }) => {
      const [one] = model.held.splice(which % model.held.length, 1);
      expect(one!.lease.settle(ok)).toBe(true);
      expect(one!.lease.settle(ok)).toBe(false);
      await workers[one!.worker]!.said();
    },
    ({ held }) => held.length > 0,
  );
}

function suspend(who: number, where: string, endless: boolean): Command {
  return command(`suspend(${who}, ${where}, ${endless})`, async ({ suspended }, { workers }) => {
    const colleague = workers[who % workers.length]!;
    colleague.pool.suspend(where, endless ? 'until-resumed' : MINUTE_MS);
    const until = endless ? NEVER : colleague.now + MINUTE_MS;
    suspended.set(where, Math.max(until, suspended.get(where) ?? 0));
    await colleague.told();
  });
}

function resume(who: number, where: string): Command {
  return command(`resume(${who}, ${where})`, async ({ suspended }, { workers }) => {
    workers[who % workers.length]!.pool.resumeTarget(where);
    suspended.delete(where);
    await workers[who % workers.length]!.told();
  });
}

function bind(who: number, name: string, exit: string): Command {
  return command(`bind(${who}, ${name}, ${exit})`, async ({ pins }, { workers }) => {
    const { pool } = workers[who % workers.length]!;
    const { id } = pool.stats().endpoints.find((endpoint) => endpoint.id === exit)!;
    expect(pool.sessions.bind(name, id)).toBe(true);
    expect(pool.sessions.lookup(name)).toBe(exit);
    pins.set(name, { endpoint: exit, until: NEVER });
    await workers[who % workers.length]!.said();
  });
}

function unbind(who: number, name: string): Command {
  return command(`unbind(${who}, ${name})`, async ({ pins }, { workers }) => {
    const colleague = workers[who % workers.length]!;
    colleague.pool.sessions.unbind(name);
    expect(colleague.pool.sessions.lookup(name)).toBeUndefined();
    pins.delete(name);
    await colleague.said();
  });
}

/** What a worker holds ends with it; what is kept is found again. */
function restart(who: number): Command {
  return command(`restart(${who})`, async (model, { workers, place }) => {
    const at = who % workers.length;
    await workers[at]!.close();
    model.held.splice(0, Infinity, ...model.held.filter((one) => one.worker !== at));
    workers[at] = await Colleague.join(place);
    if (place.keeps) return;
    model.pins.clear();
    model.suspended.clear();
  });
}

function pass(ms: number): Command {
  return command(`pass(${ms})`, async (_, { workers, place }) => {
    if (place.clock !== undefined) await workers[0]!.pass(ms);
  });
}

/** Once all that there is to tell has been heard, everyone remembers the exit that each session has. */
function agree(): Command {
  return command('agree()', async (model, { workers }) => {
    for (const colleague of workers) {
      for (const session of ['cart', 'search']) {
        const remembered = () => colleague.pool.sessions.lookup(session);
        const until = colleague.now + PATIENT_MS;
        for (;;) {
          const kept = pinOf(model, { target: '', session }, colleague.now);
          if (!kept.sure || remembered() === kept.endpoint) break;
          if (colleague.now >= until) expect({ session, exit: remembered() }).toEqual({ session, exit: kept.endpoint });
          await colleague.pause();
        }
      }
    }
  });
}
