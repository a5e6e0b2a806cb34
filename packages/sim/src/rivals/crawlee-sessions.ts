import type { Player, Sight } from '../player.js';
import type { Random } from '../random.js';

/** The defaults of `@crawlee/core` 3.18 (`Session`, `SessionPool`). */
const SESSION = { maxErrorScore: 3, errorScoreDecrement: 0.5, maxUsageCount: 50, maxAgeMs: 3_000_000 };
const MAX_POOL_SIZE = 1_000;

export interface Session {
  readonly proxy: number;
  readonly expiresAt: number;
  errorScore: number;
  usageCount: number;
}

/** Crawlee's session rule, apart from the engine so that it can be held against the real one. */
export class SessionRule {
  #sessions: Session[] = [];
  #turn = 0;
  readonly #proxies: number;
  readonly #random: Random;
  readonly #maxPoolSize: number;

  constructor(proxies: number, random: Random, maxPoolSize = MAX_POOL_SIZE) {
    this.#proxies = proxies;
    this.#random = random;
    this.#maxPoolSize = maxPoolSize;
  }

  /** A new session while there is room, then a random one; an unusable pick sweeps the pool and makes room. */
  get(now: number): Session {
    if (this.#sessions.length < this.#maxPoolSize) return this.#create(now);
    const picked = this.#sessions[Math.floor(this.#random() * this.#sessions.length)]!;
    if (isUsable(picked, now)) return picked;
    this.#sessions = this.#sessions.filter((session) => isUsable(session, now));
    return this.#create(now);
  }

  markGood(session: Session, now: number): void {
    session.usageCount += 1;
    if (session.errorScore > 0) session.errorScore -= SESSION.errorScoreDecrement;
    if (!isUsable(session, now)) this.retire(session);
  }

  markBad(session: Session, now: number): void {
    session.errorScore += 1;
    session.usageCount += 1;
    if (!isUsable(session, now)) this.retire(session);
  }

  retire(session: Session): void {
    session.errorScore += SESSION.maxErrorScore;
    session.usageCount += 1;
  }

  #create(now: number): Session {
    const session = {
      // Crawlee binds a session to the next proxy URL in turn at its first use, which here is at once.
      proxy: this.#turn++ % this.#proxies,
      expiresAt: now + SESSION.maxAgeMs,
      errorScore: 0,
      usageCount: 0,
    };
    this.#sessions.push(session);
    return session;
  }
}

export function isUsable(session: Session, now: number): boolean {
  return (
    session.errorScore < SESSION.maxErrorScore && session.expiresAt > now && session.usageCount < SESSION.maxUsageCount
  );
}

export function crawleeSessions(size: number, random: Random): Player {
  const rule = new SessionRule(size, random);
  const current: (Session | undefined)[] = [];
  return {
    name: 'crawlee-sessions',
    choose(request, now) {
      const session = rule.get(now);
      current[request.slot] = session;
      return session.proxy;
    },
    observe(request, _endpoint, sight, _tookMs, now) {
      const session = current[request.slot]!;
      if (sight === 'ok' || sight === 'captcha') rule.markGood(session, now);
      else if (retires(sight)) rule.retire(session);
      else rule.markBad(session, now);
    },
  };
}

/** Blocked statuses and proxy errors retire a session; time-outs and server errors mark it bad. */
function retires(sight: Sight): boolean {
  return sight === 'denied' || sight === 'throttled' || sight === 'connect-fault' || sight === 'cut';
}
