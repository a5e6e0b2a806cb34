import { GIVE_UP, WAIT, type Player } from '../player.js';
import { optional } from './optional.js';

const FIRST_MS = 60_000;
const MOST_MS = 900_000;
const DENIALS = 3;
const DENIAL_WINDOW_MS = 60_000;

/**
 * The respectful rule around any player: a 429 suspends the target for everybody, as long as Retry-After says or 60 s
 * doubling to 15 min; the third 403 within a minute suspends it too; a 403 goes to the caller as it is; nobody waits
 * for a suspension that outlasts his deadline.
 */
export function gated(inner: Player, targets: number, name = `${inner.name}+gate`): Player {
  const gate = new Gate(targets);
  return {
    ...optional(inner),
    name,
    choose(request, now) {
      request.wakeAt = gate.openAt(request.target);
      if (request.wakeAt <= now) return inner.choose(request, now);
      return request.wakeAt >= request.deadlineAt ? GIVE_UP : WAIT;
    },
    observe(request, endpoint, sight, tookMs, now, retryAfterMs) {
      if (sight === 'throttled') gate.throttled(request.target, now, retryAfterMs);
      else if (sight === 'denied') gate.denied(request.target, now);
      else if (sight === 'ok') gate.passed(request.target);
      inner.observe(request, endpoint, sight, tookMs, now, retryAfterMs);
    },
    delivers: (sight) => sight === 'denied',
  };
}

class Gate {
  readonly #openAt: Float64Array;
  readonly #suspensions: Uint8Array;
  readonly #denials: number[][];

  constructor(targets: number) {
    this.#openAt = new Float64Array(targets);
    this.#suspensions = new Uint8Array(targets);
    this.#denials = Array.from({ length: targets }, () => []);
  }

  openAt(target: number): number {
    return this.#openAt[target]!;
  }

  throttled(target: number, now: number, retryAfterMs: number): void {
    // Answers to what was sent before the suspension say nothing new.
    if (this.#openAt[target]! > now) return;
    const doubled = Math.min(MOST_MS, FIRST_MS * 2 ** this.#suspensions[target]!);
    this.#openAt[target] = now + (retryAfterMs > 0 ? retryAfterMs : doubled);
    this.#suspensions[target] = Math.min(10, this.#suspensions[target]! + 1);
  }

  denied(target: number, now: number): void {
    if (this.#openAt[target]! > now) return;
    const recent = this.#denials[target]!.filter((at) => at > now - DENIAL_WINDOW_MS);
    recent.push(now);
    this.#denials[target] = recent;
    if (recent.length >= DENIALS) this.throttled(target, now, 0);
  }

  passed(target: number): void {
    this.#denials[target]!.length = 0;
    this.#suspensions[target] = 0;
  }
}
