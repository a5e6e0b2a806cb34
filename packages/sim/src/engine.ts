import { EventQueue, type Handler } from './event-queue.js';
import { GIVE_UP, type Player, type Request, type Sight } from './player.js';
import { exponential, seededRandom, type Random } from './random.js';
import { emptyReply } from './reply.js';
import { Tally } from './tally.js';
import { DEADLINE_MS, FAILURE_PAUSE_MS, USER_TIMEOUT_MS } from './worlds/plan.js';
import type { World } from './worlds/world.js';

interface Attempt {
  readonly index: number;
  request: Request;
  endpoint: number;
  startedAt: number;
  sight: Sight;
  retryAfterMs: number;
  /** The event that ends it, or 0 when none is pending. */
  endTicket: number;
  hedgeTicket: number;
  live: boolean;
}

/** What happens at given instants whatever the policy does, such as the death of one endpoint. */
export interface Incident {
  readonly atMs: number;
  happen(world: World): void;
}

/** Plays one policy in one world for the world's whole duration, in virtual time. */
export function play(world: World, player: Player, seed: number, incidents: readonly Incident[] = []): Tally {
  const match = new Match(world, player, seed);
  for (const incident of incidents) match.queue.schedule(incident.atMs, () => incident.happen(world), 0);
  match.start();
  while (match.queue.step(world.plan.durationMs));
  return match.tally;
}

class Match {
  readonly queue = new EventQueue();
  readonly tally: Tally;
  readonly #world: World;
  readonly #player: Player;
  readonly #random: Random;
  readonly #requests: Request[] = [];
  readonly #idle: Request[] = [];
  readonly #attempts: Attempt[] = [];
  readonly #ended: Attempt[] = [];
  /** Requests that wait, in the order they began to. */
  readonly #waiting = new Map<Request, number>();
  readonly #reply = emptyReply();

  constructor(world: World, player: Player, seed: number) {
    this.#world = world;
    this.#player = player;
    this.#random = seededRandom(seed ^ 0x3c6ef372);
    this.tally = new Tally(world.plan.durationMs, world.plan.targets);
  }

  start(): void {
    if (this.#world.plan.arrivalsPerSecond !== undefined) {
      this.queue.schedule(0, this.#arrive, 0);
      return;
    }
    for (let slot = 0; slot < this.#world.plan.slots; slot += 1) this.#begin(this.#newRequest(), 0);
  }

  readonly #again: Handler = (now, slot) => this.#carryOn(this.#requests[slot]!, now);

  readonly #arrive: Handler = (now) => {
    this.#begin(this.#idle.pop() ?? this.#newRequest(), now);
    this.queue.schedule(
      now + exponential(1_000 / this.#world.plan.arrivalsPerSecond!, this.#random()),
      this.#arrive,
      0,
    );
  };

  #newRequest(): Request {
    const request: Request = {
      slot: this.#requests.length,
      target: 0,
      startedAt: 0,
      deadlineAt: 0,
      attempts: 0,
      live: 0,
      hedges: 0,
      tried: [],
      wakeAt: 0,
    };
    this.#requests.push(request);
    return request;
  }

  #begin(request: Request, now: number): void {
    request.target = this.#world.drawTarget(this.#random);
    this.#carryOn(request, now);
  }

  #carryOn(request: Request, now: number): void {
    request.startedAt = now;
    request.deadlineAt = now + DEADLINE_MS;
    request.attempts = 0;
    request.hedges = 0;
    request.tried.length = 0;
    this.#advance(request, now);
  }

  /** Sends what the player wants under way, or lets the request wait. */
  #advance(request: Request, now: number): void {
    const width = this.#player.width?.(request) ?? 1;
    while (request.live < width) {
      if (now >= request.deadlineAt) {
        if (request.live === 0) this.#finish(request, false, now);
        return;
      }
      const endpoint = this.#player.choose(request, now);
      if (endpoint < 0) {
        if (request.live > 0) return;
        if (endpoint === GIVE_UP) {
          this.#finish(request, false, now);
          return;
        }
        const wakeAt = Math.min(Math.max(request.wakeAt, now + 1), request.deadlineAt);
        this.#waiting.set(request, this.queue.schedule(wakeAt, this.#wake, request.slot));
        return;
      }
      this.#send(request, endpoint, now);
    }
  }

  readonly #wake: Handler = (now, slot) => {
    const request = this.#requests[slot]!;
    this.#waiting.delete(request);
    this.#advance(request, now);
  };

  /** A place came free: whoever waits may ask again, first come first served. */
  #serveWaiting(now: number): void {
    if (this.#player.wakesOnRelease !== true || this.#waiting.size === 0) return;
    // Those who still get nothing wait anew, behind: the list is taken as it stands.
    const waiting = [...this.#waiting];
    for (const [request, ticket] of waiting) {
      this.queue.cancel(ticket);
      this.#wake(now, request.slot);
    }
  }

  #send(request: Request, endpoint: number, now: number): void {
    const reply = this.#reply;
    this.#world.attempt(endpoint, request.target, now, reply);
    request.attempts += 1;
    request.live += 1;
    request.tried.push(endpoint);
    this.tally.attempts += 1;
    this.tally.attemptsByTier[this.#world.fleet.tier[endpoint]!]! += 1;
    const patience = Math.min(
      this.#player.patienceMs?.(request, endpoint) ?? USER_TIMEOUT_MS,
      USER_TIMEOUT_MS,
      request.deadlineAt - now,
    );
    const attempt = this.#newAttempt(request, endpoint, now);
    attempt.sight = reply.takesMs <= patience ? reply.kind : 'timeout';
    attempt.retryAfterMs = reply.retryAfterMs;
    attempt.endTicket = this.queue.schedule(now + Math.min(patience, reply.takesMs), this.#end, attempt.index);
    const hedge = this.#player.hedgeAfterMs?.(request, endpoint, now) ?? Infinity;
    attempt.hedgeTicket = hedge < patience ? this.queue.schedule(now + hedge, this.#hedge, attempt.index) : 0;
  }

  #newAttempt(request: Request, endpoint: number, now: number): Attempt {
    let attempt = this.#ended.pop();
    if (attempt === undefined) {
      attempt = {
        index: this.#attempts.length,
        request,
        endpoint,
        startedAt: now,
        sight: 'ok',
        retryAfterMs: 0,
        endTicket: 0,
        hedgeTicket: 0,
        live: true,
      };
      this.#attempts.push(attempt);
    }
    attempt.request = request;
    attempt.endpoint = endpoint;
    attempt.startedAt = now;
    attempt.live = true;
    return attempt;
  }

  readonly #hedge: Handler = (now, index) => {
    const attempt = this.#attempts[index]!;
    attempt.hedgeTicket = 0;
    const { request } = attempt;
    const endpoint = this.#player.choose(request, now);
    if (endpoint < 0) return;
    request.hedges += 1;
    this.tally.hedges += 1;
    this.#send(request, endpoint, now);
  };

  readonly #end: Handler = (now, index) => {
    const attempt = this.#attempts[index]!;
    const { request, sight } = attempt;
    attempt.endTicket = 0;
    this.#close(attempt, sight, now);
    this.#serveWaiting(now);
    if (sight === 'denied' || sight === 'throttled') this.tally.rejections += 1;
    if (sight === 'captcha') this.tally.captchas += 1;
    // A captcha passes for a page with every caller that does not look inside; it is no success all the same.
    const over = sight === 'ok' || (sight === 'captcha' && this.#player.seesCaptchas !== true);
    if (over || this.#player.delivers?.(sight) === true) {
      this.#cancelRest(request, now);
      this.#finish(request, sight === 'ok', now);
      return;
    }
    this.#advance(request, now);
  };

  #close(attempt: Attempt, sight: Sight, now: number): void {
    const { request, endpoint } = attempt;
    if (attempt.endTicket !== 0) this.queue.cancel(attempt.endTicket);
    if (attempt.hedgeTicket !== 0) this.queue.cancel(attempt.hedgeTicket);
    attempt.endTicket = 0;
    attempt.hedgeTicket = 0;
    attempt.live = false;
    this.#world.release(endpoint);
    request.live -= 1;
    const tookMs = now - attempt.startedAt;
    // The player first: the object may serve another attempt as soon as it is on the list.
    this.#player.observe(request, endpoint, sight, tookMs, now, attempt.retryAfterMs);
    this.#ended.push(attempt);
  }

  #cancelRest(request: Request, now: number): void {
    if (request.live === 0) return;
    for (const attempt of this.#attempts) {
      if (attempt.live && attempt.request === request) this.#close(attempt, 'cancelled', now);
    }
  }

  #finish(request: Request, succeeded: boolean, now: number): void {
    const tookMs = now - request.startedAt;
    this.tally.slotMs += tookMs;
    if (succeeded) this.tally.success(request.target, tookMs, now);
    else this.tally.failed += 1;
    if (this.#world.plan.arrivalsPerSecond !== undefined) this.#idle.push(request);
    else if (succeeded) this.#begin(request, now);
    else this.queue.schedule(now + FAILURE_PAUSE_MS, this.#again, request.slot);
  }
}
