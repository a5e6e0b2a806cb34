import fc from 'fast-check';
import { expect, test } from 'vitest';
import { manualClock } from '../testing/manual-clock.js';
import { SessionMap } from './session-map.js';

test('a session keeps what it is bound to until it runs out, and each use prolongs it', () => {
  const clock = manualClock();
  const map = new SessionMap<string>({ clock, ttlMs: 1000 });
  map.bind('s', 'exit-1');
  clock.advance(900);
  expect(map.use('s')).toBe('exit-1');
  clock.advance(900);
  expect(map.lookup('s')).toBe('exit-1');
  clock.advance(100);
  expect([map.lookup('s'), map.size]).toEqual([undefined, 0]);
});

test('uses and age end a binding as well', () => {
  const clock = manualClock();
  const map = new SessionMap<string>({ clock, maxUses: 2, maxMs: 5000, ttlMs: 4000 });
  map.bind('uses', 'a');
  expect([map.use('uses'), map.use('uses'), map.use('uses')]).toEqual(['a', 'a', undefined]);
  map.bind('age', 'a');
  clock.advance(3000);
  map.use('age');
  clock.advance(2000);
  expect(map.lookup('age')).toBeUndefined();
});

test('a late failure does not end a newer binding', () => {
  const map = new SessionMap<string>();
  const first = map.bind('s', 'a');
  const second = map.bind('s', 'b');
  expect(map.unbind('s', first)).toBe(false);
  expect(map.lookup('s')).toBe('b');
  expect(map.unbind('s', second)).toBe(true);
  expect(map.unbind('s')).toBe(false);
});

test('what has run out is purged and counted', () => {
  const clock = manualClock();
  const map = new SessionMap<number>({ clock, ttlMs: 100 });
  for (let n = 0; n < 5; n += 1) map.bind(`s${n}`, n);
  clock.advance(100);
  map.bind('fresh', 9);
  expect([map.size, map.purgeExpired(), map.size]).toEqual([6, 5, 1]);
});

test.each([{ ttl: 1 }, { max: 0 }, { ttlMs: -1 }, { maxUses: 0 }])('%j is refused', (options) => {
  expect(() => new SessionMap(options as never)).toThrow(expect.objectContaining({ name: 'ConfigurationError' }));
});

test.each(['', 'a\u0000b', 'x'.repeat(513), 5])('%j is no session', (session) => {
  expect(() => new SessionMap().bind(session as never, 1)).toThrow('session');
});

/** What a session map is, said in a few lines: a list, the least recently used first. */
class Model {
  entries: { session: string; value: number; usedAt: number; madeAt: number; uses: number }[] = [];

  readonly terms: { ttlMs: number; maxMs: number; maxUses: number; max: number };

  constructor(terms: Model['terms']) {
    this.terms = terms;
  }

  live(session: string, now: number) {
    const { ttlMs, maxMs, maxUses } = this.terms;
    const entry = this.entries.find((candidate) => candidate.session === session);
    if (entry === undefined) return undefined;
    if (now < entry.usedAt + ttlMs && now < entry.madeAt + maxMs && entry.uses < maxUses) return entry;
    this.drop(session);
    return undefined;
  }

  bind(session: string, value: number, now: number) {
    this.drop(session);
    if (this.entries.length >= this.terms.max) this.entries.shift();
    this.entries.push({ session, value, usedAt: now, madeAt: now, uses: 0 });
  }

  use(session: string, now: number) {
    const entry = this.live(session, now);
    if (entry === undefined) return undefined;
    this.drop(session);
    this.entries.push(Object.assign(entry, { usedAt: now, uses: entry.uses + 1 }));
    return entry.value;
  }

  drop(session: string) {
    this.entries = this.entries.filter((entry) => entry.session !== session);
  }
}

test('whatever is done to it, a session map does as a list of bindings would', () => {
  const session = fc.constantFrom('__proto__', 'constructor', 'a', 'b', 'c', 'd');
  const step = fc.oneof(
    fc.record({ kind: fc.constant('bind'), session, value: fc.nat() }),
    fc.record({ kind: fc.constantFrom('use', 'lookup', 'unbind'), session, value: fc.constant(0) }),
    fc.record({ kind: fc.constantFrom('wait', 'purge'), session, value: fc.integer({ min: 0, max: 700 }) }),
  );
  const terms = fc.record({
    ttlMs: fc.integer({ min: 1, max: 1000 }),
    maxMs: fc.integer({ min: 1, max: 3000 }),
    maxUses: fc.integer({ min: 1, max: 5 }),
    max: fc.integer({ min: 1, max: 5 }),
  });
  fc.assert(
    fc.property(terms, fc.array(step, { maxLength: 60 }), (limits, steps) => {
      const clock = manualClock();
      const map = new SessionMap<number>({ ...limits, clock });
      const model = new Model(limits);
      for (const { kind, session, value } of steps) {
        const now = clock.now();
        if (kind === 'wait') clock.advance(value);
        if (kind === 'bind') {
          map.bind(session, value);
          model.bind(session, value, now);
        }
        if (kind === 'use') expect(map.use(session)).toBe(model.use(session, now));
        if (kind === 'lookup') expect(map.lookup(session)).toBe(model.live(session, now)?.value);
        if (kind === 'unbind') {
          map.unbind(session);
          model.drop(session);
        }
        if (kind === 'purge') {
          map.purgeExpired();
          for (const entry of model.entries) model.live(entry.session, now);
        }
        expect(map.size).toBe(model.entries.length);
      }
    }),
  );
});
