import type { EndpointId } from '../endpoint.js';
import type { EffectKind, OnEffect } from '../kernel/effects.js';
import type { Clock } from '../ports/clock.js';
import type { Emitter } from './events.js';
import type { RecordsLink } from './records-link.js';
import type { Roster } from './roster.js';

interface Effect {
  readonly kind: EffectKind;
  /** Looked up at once: by the time listeners hear of it, the row may have another endpoint. */
  readonly endpoint: EndpointId;
  readonly target: string;
  readonly until: number;
}

interface EffectParts {
  readonly roster: Roster;
  readonly events: Emitter;
  readonly clock: Clock;
  readonly link: RecordsLink | undefined;
  readonly targetOf: (index: number) => string;
}

const NONE = '' as EndpointId;

/** The kernel tells of what it did in the middle of its work; listeners hear of it when that work is done. */
export class EffectLog {
  readonly #roster: Roster;
  readonly #events: Emitter;
  readonly #link: RecordsLink | undefined;
  readonly #targetOf: (index: number) => string;
  readonly #clock: Clock;
  #pending: Effect[] = [];
  /** How often each kind has happened. */
  readonly counts: Partial<Record<EffectKind, number>> = {};

  constructor({ roster, events, clock, link, targetOf }: EffectParts) {
    this.#link = link;
    this.#clock = clock;
    this.#roster = roster;
    this.#events = events;
    this.#targetOf = targetOf;
  }

  readonly note: OnEffect = (kind, row, target, until) => {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    const endpoint = row < 0 ? NONE : this.#roster.at(row).id;
    this.#pending.push({ kind, endpoint, target: target < 0 ? '' : this.#targetOf(target), until });
  };

  flush(): void {
    if (this.#pending.length === 0) return;
    const pending = this.#pending;
    this.#pending = [];
    for (const effect of pending) this.#tell(effect);
  }

  #tell({ kind, endpoint, target, until }: Effect): void {
    switch (kind) {
      case 'cooled':
        return this.#events.emit('cooldown', { endpoint, forMs: until - this.#clock.now() });
      case 'released':
      case 'released-early':
      case 'panicked':
        return this.#events.emit('trial', { endpoint, why: kind });
      case 'activated':
        return this.#events.emit('active', { endpoint });
      case 'evicted':
        return this.#events.emit('evicted', { endpoint });
      case 'blocked':
        this.#link?.blocked(endpoint, target);
        return this.#events.emit('blocked', { endpoint, target, forMs: until - this.#clock.now() });
      case 'breaker-opened':
        return this.#events.emit('breaker', { target, open: true });
      case 'breaker-closed':
        return this.#events.emit('breaker', { target, open: false });
      case 'paced':
        this.#link?.paced(target);
        return this.#events.emit('paced', { target, intervalMs: until });
      default:
        return kind satisfies never;
    }
  }
}
