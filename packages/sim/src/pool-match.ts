import { createPool, type Lease, type Pool, type PoolOptions, type Run } from '@fairlead/core';
import type { Incident } from './engine.js';
import { EventQueue, type Handler } from './event-queue.js';
import { outcomeOf } from './outcome-of.js';
import { exponential, seededRandom, type Random } from './random.js';
import { emptyReply, type ReplyKind } from './reply.js';
import { Tally } from './tally.js';
import { virtualClock } from './virtual-clock.js';
import { DEADLINE_MS, FAILURE_PAUSE_MS, USER_TIMEOUT_MS } from './worlds/plan.js';
import type { World } from './worlds/world.js';

interface Caller {
  readonly index: number;
  target: number;
  /** -1 outside of any. */
  session: number;
  startedAt: number;
  run: Run | undefined;
  live: number;
}

interface Attempt {
  readonly index: number;
  caller: Caller;
  lease: Lease;
  row: number;
  sight: ReplyKind;
  retryAfterMs: number;
  endTicket: number;
  hedgeTicket: number;
  live: boolean;
}

/** Turns of the microtask queue after each event while somebody waits: more than any chain of promises of the pool's. */
const TURNS = 10;

/** The real pool in one world, in virtual time. */
export class PoolMatch {
  readonly queue: EventQueue;
  readonly tally: Tally;
  readonly pool: Pool;
  readonly #world: World;
  readonly #random: Random;
  readonly #rows = new Map<string, number>();
  readonly #callers: Caller[] = [];
  readonly #idle: Caller[] = [];
  readonly #attempts: Attempt[] = [];
  readonly #spare: Attempt[] = [];
  readonly #reply = emptyReply();
  /** The row of each session's last success. */
  readonly #exits = new Map<number, number>();
  #waiting = 0;
  /** Requests that have begun and not ended. */
  #underWay = 0;
  #isOver = false;

  /** @param given time that goes on, and a pool that does, where callers begin anew in a world that they were in before. */
  constructor(
    world: World,
    seed: number,
    options: PoolOptions,
    given: { readonly queue?: EventQueue; readonly pool?: Pool } = {},
  ) {
    this.queue = given.queue ?? new EventQueue();
    this.#world = world;
    this.#random = seededRandom(seed ^ 0x3c6ef372);
    this.tally = new Tally(world.plan.durationMs, world.plan.targets);
    this.pool =
      given.pool ??
      createPool({
        deadlineMs: DEADLINE_MS,
        maxWaiting: 100_000,
        ...options,
        proxies: Array.from({ length: world.fleet.size }, (_, row) => proxyOf(world, row)),
        clock: virtualClock(this.queue),
        random: seededRandom(seed ^ 0x1b873593),
      });
    for (let row = 0; row < world.fleet.size; row += 1) this.#rows.set(`http://${addressOf(row)}`, row);
  }

  async play(incidents: readonly Incident[] = [], untilMs = this.#world.plan.durationMs): Promise<Tally> {
    const { plan } = this.#world;
    const { now } = this.queue;
    for (const incident of incidents) this.queue.schedule(incident.atMs, () => incident.happen(this.#world), 0);
    if (plan.arrivalsPerSecond === undefined) {
      for (let slot = 0; slot < plan.slots; slot += 1) this.#begin(slot, now);
    } else this.#arrive(now, 0);
    do await this.#heard();
    while (this.queue.step(untilMs));
    return this.tally;
  }

  /** Begins nothing any more, and lets what is under way end. */
  async drain(): Promise<void> {
    this.#isOver = true;
    do await this.#heard();
    while (this.#underWay > 0 && this.queue.step(Number.POSITIVE_INFINITY));
  }

  /** Whoever was granted a lease while waiting hears of it by a promise: time stands still until all have heard. */
  async #heard(): Promise<void> {
    for (let turn = 0; turn < TURNS && this.#waiting > 0; turn += 1) await undefined;
  }

  readonly #arrive: Handler = (now) => {
    this.#begin(this.#idle.pop()?.index ?? this.#callers.length, now);
    this.queue.schedule(
      now + exponential(1_000 / this.#world.plan.arrivalsPerSecond!, this.#random()),
      this.#arrive,
      0,
    );
  };

  readonly #begin = (index: number, now: number): void => {
    const caller = (this.#callers[index] ??= { index, target: 0, session: -1, startedAt: 0, run: undefined, live: 0 });
    caller.target = this.#world.drawTarget(this.#random);
    const { sessions } = this.#world.plan;
    caller.session = sessions === undefined ? -1 : Math.floor(this.#random() * sessions);
    this.#carryOn(caller, now);
  };

  #carryOn(caller: Caller, now: number): void {
    if (this.#isOver) return;
    this.#underWay += 1;
    caller.startedAt = now;
    caller.run = this.pool.begin({
      target: `t${caller.target}.example`,
      attemptTimeoutMs: USER_TIMEOUT_MS,
      ...(caller.session >= 0 && { session: `session-${caller.session}` }),
    });
    this.#advance(caller);
  }

  #advance(caller: Caller): void {
    const run = caller.run!;
    const lease = run.tryNext();
    if (lease !== undefined) return this.#send(caller, lease);
    this.#waiting += 1;
    run.next().then(
      (granted) => {
        this.#waiting -= 1;
        this.#send(caller, granted);
      },
      () => {
        this.#waiting -= 1;
        this.#finish(caller, false, this.queue.now);
      },
    );
  }

  #send(caller: Caller, lease: Lease): void {
    const { now } = this.queue;
    const reply = this.#reply;
    const row = this.#rows.get(lease.endpoint.id)!;
    this.#world.attempt(row, caller.target, now, reply);
    caller.live += 1;
    this.tally.attempts += 1;
    this.tally.attemptsByTier[this.#world.fleet.tier[row]!]! += 1;
    const attempt = this.#newAttempt(caller, lease, row);
    const patience = Math.min(lease.abandonAfterMs, USER_TIMEOUT_MS);
    attempt.sight = reply.takesMs <= patience ? reply.kind : 'timeout';
    attempt.retryAfterMs = reply.retryAfterMs;
    attempt.endTicket = this.queue.schedule(now + Math.min(reply.takesMs, patience), this.#end, attempt.index);
    const hedge = caller.run!.hedgeAfterMs(lease);
    attempt.hedgeTicket = hedge < patience ? this.queue.schedule(now + hedge, this.#hedge, attempt.index) : 0;
  }

  #newAttempt(caller: Caller, lease: Lease, row: number): Attempt {
    const attempt: Attempt = this.#spare.pop() ?? {
      index: this.#attempts.length,
      caller,
      lease,
      row,
      sight: 'ok',
      retryAfterMs: 0,
      endTicket: 0,
      hedgeTicket: 0,
      live: true,
    };
    this.#attempts[attempt.index] = attempt;
    attempt.caller = caller;
    attempt.lease = lease;
    attempt.row = row;
    attempt.live = true;
    return attempt;
  }

  readonly #hedge: Handler = (_now, index) => {
    const { caller } = this.#attempts[index]!;
    this.#attempts[index]!.hedgeTicket = 0;
    const lease = caller.run!.beside('hedge');
    // A promise where a store is shared, as none is here.
    if (lease === undefined || lease instanceof Promise) return;
    this.tally.hedges += 1;
    this.#send(caller, lease);
  };

  readonly #again: Handler = (now, index) => this.#carryOn(this.#callers[index]!, now);

  readonly #end: Handler = (now, index) => {
    const attempt = this.#attempts[index]!;
    const { caller, lease, sight } = attempt;
    attempt.endTicket = 0;
    this.#close(attempt);
    if (sight === 'denied' || sight === 'throttled') this.tally.rejections += 1;
    if (sight === 'captcha') this.tally.captchas += 1;
    const decision = caller.run!.report(lease, outcomeOf(sight, now - lease.since, attempt.retryAfterMs));
    if (decision.kind === 'done' && (sight === 'ok' || sight === 'captcha')) {
      this.#cancelRest(caller, now);
      this.#noteExit(caller.session, attempt.row);
      this.#finish(caller, sight === 'ok', now);
    } else if (caller.live > 0) {
      // A hedge beside it is still out: what it brings decides.
    } else if (decision.kind === 'reroute' || decision.kind === 'replay') this.#advance(caller);
    else this.#finish(caller, false, now);
  };

  #noteExit(session: number, row: number): void {
    if (session < 0) return;
    const last = this.#exits.get(session);
    if (last !== undefined && last !== row) this.tally.exitChanges += 1;
    this.#exits.set(session, row);
  }

  #close(attempt: Attempt): void {
    if (attempt.endTicket !== 0) this.queue.cancel(attempt.endTicket);
    if (attempt.hedgeTicket !== 0) this.queue.cancel(attempt.hedgeTicket);
    attempt.endTicket = 0;
    attempt.hedgeTicket = 0;
    attempt.live = false;
    attempt.caller.live -= 1;
    this.#world.release(attempt.row);
    this.#spare.push(attempt);
  }

  #cancelRest(caller: Caller, now: number): void {
    if (caller.live === 0) return;
    for (const attempt of this.#attempts) {
      if (!attempt.live || attempt.caller !== caller) continue;
      this.#close(attempt);
      caller.run!.report(attempt.lease, { kind: 'abandoned', elapsedMs: now - attempt.lease.since });
    }
  }

  #finish(caller: Caller, succeeded: boolean, now: number): void {
    this.#underWay -= 1;
    const tookMs = now - caller.startedAt;
    this.tally.slotMs += tookMs;
    if (succeeded) this.tally.success(caller.target, tookMs, now);
    else this.tally.failed += 1;
    if (this.#world.plan.arrivalsPerSecond !== undefined) this.#idle.push(caller);
    else if (succeeded) this.#begin(caller.index, now);
    else this.queue.schedule(now + FAILURE_PAUSE_MS, this.#again, caller.index);
  }
}

function proxyOf(world: World, row: number): { url: string; tier: number } {
  return { url: `http://${addressOf(row)}`, tier: world.fleet.tier[row]! };
}

function addressOf(row: number): string {
  return `10.${row >> 16}.${(row >> 8) & 255}.${row & 255}:8000`;
}
