import { createPins, dropPin, makePin, pinOf, usePin, type Pin, type PinTerms } from '../ledger/pins.js';
import { checkKeys, duration, integerAtLeast, ownOptions } from '../option-check.js';
import { systemClock, type Clock } from '../ports/clock.js';
import { checkName } from './request.js';

/** How long a binding of a `SessionMap` lasts. */
export interface SessionMapOptions {
  /** Since its last use. @default 300_000 */
  readonly ttlMs?: number;
  /** Since it was made, however often it is used. @default Infinity */
  readonly maxMs?: number;
  /** Uses in all. @default Infinity */
  readonly maxUses?: number;
  /** Sessions remembered; the least recently used gives way to a newcomer. @default 100_000 */
  readonly max?: number;
  /** @default the system's monotonic clock */
  readonly clock?: Clock;
}

/** The defaults of `SessionMapOptions`, in one place. */
export const SESSION_MAP_DEFAULTS = Object.freeze({
  ttlMs: 300_000,
  maxMs: Number.POSITIVE_INFINITY,
  maxUses: Number.POSITIVE_INFINITY,
  max: 100_000,
});

/** Which exit each session keeps, without a pool: for a program that picks its proxies itself and wants the binding alone. */
export class SessionMap<T> {
  readonly #terms: PinTerms;
  readonly #pins;
  readonly #clock: Clock;
  /** By the pin and not by the session: what the pins forget is forgotten here. */
  readonly #values = new WeakMap<Pin, T>();

  constructor(options: SessionMapOptions = {}) {
    const own = ownOptions(options, 'options');
    checkKeys(own, [...Object.keys(SESSION_MAP_DEFAULTS), 'clock'], '');
    const { ttlMs, maxMs, maxUses, max } = { ...SESSION_MAP_DEFAULTS, ...own };
    duration(ttlMs, 'ttlMs');
    duration(maxMs, 'maxMs');
    if (maxUses !== Number.POSITIVE_INFINITY) integerAtLeast(maxUses, 1, 'maxUses');
    integerAtLeast(max, 1, 'max');
    this.#terms = { ttlMs, maxMs, maxUses };
    this.#pins = createPins(max);
    this.#clock = own.clock ?? systemClock;
  }

  /** Sessions remembered, those that have run out and were not looked at since included. */
  get size(): number {
    return this.#pins.bySession.size;
  }

  /** Binds the session in place of any binding it had; the answer names this binding for `unbind`. */
  bind(session: string, value: T): number {
    checkName(session, 'session');
    dropPin(this.#pins, session);
    // The pool's pins are made by their first use; here binding is none.
    const terms = { ...this.#terms, maxUses: this.#terms.maxUses + 1 };
    const pin = makePin(this.#pins, session, 0, 0, terms, this.#clock.now());
    this.#values.set(pin, value);
    return pin.generation;
  }

  /** What the session is bound to, counted as a use. */
  use(session: string): T | undefined {
    const now = this.#clock.now();
    const pin = pinOf(this.#pins, session, now);
    if (pin === undefined) return undefined;
    usePin(this.#pins, session, pin, this.#terms, now);
    return this.#values.get(pin);
  }

  /** What the session is bound to. Reading prolongs nothing. */
  lookup(session: string): T | undefined {
    const pin = pinOf(this.#pins, session, this.#clock.now());
    return pin === undefined ? undefined : this.#values.get(pin);
  }

  /** Ends the binding; given the answer of `bind`, only if it is still that one: a late failure must not end a newer. */
  unbind(session: string, binding?: number): boolean {
    return dropPin(this.#pins, session, binding);
  }

  /** Forgets what has run out; answers how many. */
  purgeExpired(): number {
    const now = this.#clock.now();
    const before = this.size;
    for (const session of this.#pins.bySession.keys()) pinOf(this.#pins, session, now);
    return before - this.size;
  }
}
