import { createHash } from 'node:crypto';
import { SCRIPTS, type Verb } from '@fairlead/redis/port';
import { KeptEndpoints, KeptRecords } from './kept-records.js';

interface Pin {
  readonly endpoint: string;
  readonly generation: number;
  readonly endsAt: number;
  readonly uses: number;
}

type Result = readonly unknown[];
type Handler = (keys: readonly string[], args: readonly string[]) => Result;

/** A value that may end. */
interface Timed<T> {
  readonly value: T;
  readonly until: number;
}

const NEVER = Number.POSITIVE_INFINITY;
/** Stands for the exit of a session that was unbound by hand a while ago. */
const ENDED = '-';

/** The digest that names each verb. */
const VERBS = new Map<string, Verb>(
  Object.entries(SCRIPTS).map(([verb, script]) => [createHash('sha1').update(script).digest('hex'), verb as Verb]),
);

/**
 * What the scripts do to a Redis server, written down once more in another language: simulations run against this one, and
 * a comparison of both over random commands keeps it honest.
 */
export class SimulatedRedis {
  readonly #now: () => number;
  readonly #loaded = new Set<string>();
  #meta: { epoch: number; openAt: number; gen: number; terms: string; data: number } | undefined;
  #leases = new Map<string, Map<string, number>>();
  #paces = new Map<string, number>();
  #pins = new Map<string, Timed<Pin>>();
  #suspensions = new Map<string, Timed<string>>();
  #sequences = new Map<string, number>();
  #workers = new Map<string, number>();
  #others = new KeptRecords();
  #endpoints = new KeptEndpoints();
  /** Which server it is: another one after a fail-over. */
  readonly #server = 'simulated';
  #feed: { id: number; at: number; worker: string; batch: string }[] = [];
  #entries = 0;
  /** Told of each place as it is granted. */
  onGrant: (lease: string, endpoint: string, keys: readonly string[]) => void = () => undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Everything is gone but the scripts; with them it is as after a restart. */
  wipe(how: 'data' | 'scripts' | 'both'): void {
    if (how !== 'data') this.#loaded.clear();
    if (how === 'scripts') return;
    this.#meta = undefined;
    this.#leases = new Map();
    this.#paces = new Map();
    this.#pins = new Map();
    this.#suspensions = new Map();
    this.#sequences = new Map();
    this.#workers = new Map();
    this.#others = new KeptRecords();
    this.#endpoints = new KeptEndpoints();
    this.#feed = [];
  }

  get epoch(): number {
    return this.#meta?.epoch ?? 0;
  }

  get totalAttempts(): number {
    return this.#endpoints.attempts;
  }

  sequenceOf(worker: string): number {
    return this.#sequences.get(worker) ?? 0;
  }

  /** Places that are taken now. */
  get liveLeases(): number {
    const now = this.#now();
    return [...this.#leases.values()].reduce((sum, set) => sum + [...set.values()].filter((at) => at > now).length, 0);
  }

  /** Sessions that keep an exit now. */
  get livePins(): number {
    const now = this.#now();
    return [...this.#pins.values()].filter(({ until, value }) => until > now && value.endpoint !== ENDED).length;
  }

  load(script: string): string {
    const digest = createHash('sha1').update(script).digest('hex');
    this.#loaded.add(digest);
    return digest;
  }

  run(digest: string, keys: readonly string[], args: readonly string[]): Result {
    const verb = VERBS.get(digest);
    if (verb === undefined || !this.#loaded.has(digest)) throw new Error('NOSCRIPT No matching script');
    return this.#handlers[verb](keys, args);
  }

  readonly #handlers: Record<Verb, Handler> = {
    admit: (keys, args) => this.#admit(keys, args),
    renew: (keys, [epoch, ttl, ...leases]) => {
      if (epoch !== this.#epochText) return ['epoch', this.#epochText];
      const now = this.#now();
      return [
        'ok',
        ...leases.map((lease, index) => {
          const set = this.#leases.get(keys[index + 1]!);
          if (!((set?.get(lease) ?? 0) > now)) return '0';
          set!.set(lease, now + Number(ttl));
          return '1';
        }),
      ];
    },
    release: (keys, leases) => [keys.filter((key, index) => this.#leases.get(key)?.delete(leases[index]!)).length],
    cancel: (keys, [lease]) => [keys.filter((key) => this.#leases.get(key)?.delete(lease!)).length],
    recover: (_, [known, grace, terms = '', lost]) => {
      const now = this.#now();
      const before = this.#meta;
      const foreign = before !== undefined && before.terms !== '' && before.terms !== terms;
      if (foreign) {
        const silence = Math.max(3_000, 3 * (Number(/\d+$/.exec(before.terms)?.[0]) || 0));
        if (now - Math.max(0, ...this.#workers.values()) < silence)
          return [this.#epochText, 0, before.terms, String(before.data)];
      }
      if (this.#epochText === '' || before?.terms === '' || foreign || this.#epochText === known || known === '') {
        const epoch = Math.round(Math.max(now * 1000, (before?.epoch ?? 0) + 1, Number(known) + 1));
        const isLost = this.#epochText === '' || before?.terms === '' || foreign || lost === '1';
        this.#meta = {
          epoch,
          data: isLost ? epoch : before!.data,
          openAt: now + Number(grace),
          gen: Math.round(Math.max(before?.gen ?? 0, now * 100)),
          terms,
        };
      }
      return [this.#epochText, Math.max(0, Math.ceil(this.#meta!.openAt - now)), terms, String(this.#meta!.data)];
    },
    reassert: (keys, args) => this.#reassert(keys, args),
    sentinel: (_, [worker, silence, terms]) => {
      const now = this.#now();
      const known = this.#meta?.terms ?? '';
      const others = [...this.#workers].filter(([name]) => name !== worker).map(([, at]) => at);
      const silent = others.length === 0 ? -1 : Math.floor(now - Math.max(...others));
      if (known === '' || known === terms) this.#hear(worker!, Number(silence));
      const openIn = Math.max(0, Math.ceil((this.#meta?.openAt ?? 0) - now));
      const data = this.#epochText === '' ? '' : String(this.#meta!.data);
      return [this.#epochText, openIn, silent, known, this.#server, data];
    },
    suspend: ([key], [ms, why]) => {
      this.#suspend(key!, Number(ms), why!, ms === '0');
      return ['ok'];
    },
    paused: ([key]) => {
      const paused = this.#suspensions.get(key!);
      if (paused === undefined || paused.until <= this.#now()) return [0, ''];
      return [paused.until === NEVER ? -1 : Math.ceil(paused.until - this.#now()), paused.value];
    },
    unpin: ([key = ''], [generation, waited]) => {
      const pin = this.#pin(key);
      if (generation !== '') {
        if (String(pin?.generation) !== generation) return [0];
        this.#pins.delete(key);
        return [1];
      }
      const said = Math.floor((this.#now() - Number(waited)) * 100);
      if (waited !== '0' && this.#wordOf(key) > said) return [0];
      const value = { endpoint: ENDED, generation: said, endsAt: NEVER, uses: -1 };
      this.#pins.set(key, { value, until: this.#now() + 60_000 });
      return [Number(pin !== undefined)];
    },
    pinned: (keys) =>
      keys.map((key) => {
        const pin = this.#pin(key);
        if (pin === undefined) return [];
        const { endpoint, generation, endsAt, uses } = pin;
        const idle = this.#pins.get(key)!.until - this.#now();
        const left = endsAt === NEVER ? -1 : Math.max(0, Math.ceil(endsAt - this.#now()));
        return [endpoint, String(generation), idle === NEVER ? -1 : Math.ceil(idle), left, String(uses)];
      }),
    bind: ([, key = ''], [endpoint = '', idle, longest, uses, waited]) => {
      if (waited !== '0' && this.#wordOf(key) > (this.#now() - Number(waited)) * 100) {
        const kept = this.#pin(key);
        return kept === undefined ? [] : [kept.endpoint, String(kept.generation)];
      }
      const generation = this.#nextGeneration();
      const endsAt = longest === '-1' ? NEVER : this.#now() + Number(longest);
      this.#putPin(key, { endpoint, generation, endsAt, uses: Number(uses) }, Number(idle));
      return [endpoint, String(generation)];
    },
    push: (keys, args) => this.#push(keys, args),
    pull: (_, [worker, last, most, silence]) => {
      this.#hear(worker!, Number(silence));
      const now = this.#now();
      const entries = this.#feed.filter(({ id }) => id > Number(last)).slice(0, Number(most));
      const batches = entries.filter((entry) => entry.worker !== worker).flatMap(({ at, batch }) => [now - at, batch]);
      const next = String(entries.at(-1)?.id ?? last);
      const openIn = Math.max(0, Math.ceil((this.#meta?.openAt ?? 0) - now));
      return [this.#epochText, openIn, next, '0', [...this.#workers.keys()], batches, entries.length];
    },
    load: (keys) => this.#load(keys[1]!),
    restore: (keys, args) => this.#restore(keys, args),
    leave: (_, [worker]) => [Number(this.#workers.delete(worker!))],
  };

  #admit(keys: readonly string[], args: readonly string[]): Result {
    const [epoch, lease, ttl, emissionText, burst, withSession, idle, longest, uses, by, ...seats] = args;
    const now = this.#now();
    if (epoch !== this.#epochText) return ['epoch', this.#epochText];
    if (this.#meta!.openAt > now) return ['recovering', Math.ceil(this.#meta!.openAt - now)];
    const paused = this.#suspensions.get(keys[1]!);
    if (paused !== undefined && paused.until > now) {
      return ['suspended', paused.until === NEVER ? -1 : Math.ceil(paused.until - now), paused.value];
    }
    const emission = Number(emissionText);
    const stride = emission > 0 ? 2 : 1;
    const pin = withSession === '1' ? this.#pin(keys[2]!) : undefined;
    if (withSession === '1' && pin === undefined && by !== '') return ['unpinned'];
    let soonest = -1;
    let found = false;
    for (let index = 0; index * 2 < seats.length; index += 1) {
      const endpoint = seats[index * 2]!;
      if (pin !== undefined && pin.endpoint !== endpoint) continue;
      found = true;
      const key = keys[3 + index * stride]!;
      const set = this.#leases.get(key) ?? new Map<string, number>();
      this.#leases.set(key, set);
      for (const [held, expiry] of set) if (expiry <= now) set.delete(held);
      if (set.size >= Number(seats[index * 2 + 1])) continue;
      if (emission > 0) {
        const arrival = Math.max(now, this.#paces.get(keys[4 + index * 2]!) ?? 0);
        const opens = arrival - Number(burst);
        if (opens > now) {
          soonest = soonest < 0 ? opens - now : Math.min(soonest, opens - now);
          continue;
        }
        this.#paces.set(keys[4 + index * 2]!, arrival + emission);
      }
      set.set(lease!, now + Number(ttl));
      this.onGrant(lease!, endpoint, keys);
      if (withSession !== '1') return ['ok', index + 1, 'none', '0'];
      const kept = pin ?? {
        endpoint,
        generation: this.#nextGeneration(),
        endsAt: longest === '-1' ? NEVER : now + Number(longest),
        uses: Number(uses),
      };
      const left = kept.uses > 0 ? kept.uses - 1 : kept.uses;
      this.#putPin(keys[2]!, { ...kept, uses: left }, Number(idle));
      return ['ok', index + 1, pin === undefined ? 'new' : 'kept', String(kept.generation)];
    }
    if (pin !== undefined && !found) return ['pinned-elsewhere', pin.endpoint, String(pin.generation)];
    return ['busy', Math.ceil(soonest)];
  }

  #reassert(keys: readonly string[], [epoch, ...items]: readonly string[]): Result {
    if (epoch !== this.#epochText) return ['epoch', this.#epochText];
    const now = this.#now();
    for (let index = 1; index < keys.length; index += 1) {
      const [letter, a = '', b = '', c = ''] = items.slice((index - 1) * 4, index * 4);
      const key = keys[index]!;
      if (letter === 'l') {
        const set = this.#leases.get(key) ?? new Map<string, number>();
        this.#leases.set(key, set.set(a, now + Number(b)));
      } else if (letter === 'g') {
        this.#paces.set(key, Math.max(this.#paces.get(key) ?? 0, now + Number(a)));
      } else if (letter === 't') {
        this.#suspend(key, Number(a), b, false);
      } else if (letter === 'b' && this.#wordOf(key) === Number.NEGATIVE_INFINITY) {
        const [endpoint = '', generation] = a.split(' ');
        const [left, uses] = b.split(' ');
        const endsAt = left === '-1' ? NEVER : now + Number(left);
        this.#putPin(key, { endpoint, generation: Number(generation), endsAt, uses: Number(uses) }, Number(c));
      }
    }
    return ['ok'];
  }

  #push(keys: readonly string[], args: readonly string[]): Result {
    const [epoch, worker = '', sequence, tau, batch = '', others] = args;
    if (epoch !== this.#epochText) return ['epoch', this.#epochText];
    if ((this.#sequences.get(worker) ?? 0) >= Number(sequence)) return ['known'];
    this.#sequences.set(worker, Number(sequence));
    this.#entries += 1;
    this.#feed.push({ id: this.#entries, at: this.#now(), worker, batch });
    const first = 6 + Number(others) * 3;
    for (let at = 6; at < first; at += 3)
      this.#others.push(args[at]!, Number(args[at + 1]), args[at + 2]!, this.#now());
    for (let row = 0; row < keys.length - 5; row += 1) {
      this.#endpoints.add(
        keys[row + 5]!,
        args.slice(first + row * 11, first + row * 11 + 11),
        Number(tau),
        this.#now(),
      );
    }
    return ['ok'];
  }

  #restore(keys: readonly string[], args: readonly string[]): Result {
    const [epoch, others] = args;
    if (epoch !== this.#epochText) return ['epoch', this.#epochText];
    const first = 2 + Number(others) * 3;
    for (let at = 2; at < first; at += 3) {
      if (!this.#others.has(args[at]!)) this.#others.push(args[at]!, Number(args[at + 1]), args[at + 2]!, this.#now());
    }
    for (let row = 0; row < keys.length - 2; row += 1) {
      this.#endpoints.restore(keys[row + 2]!, args.slice(first + row * 11, first + row * 11 + 11), this.#now());
    }
    return ['ok'];
  }

  /** All at once: portions are the real server's affair. */
  #load(key: string): Result {
    const head = ['0', String(this.#feed.at(-1)?.id ?? 0)];
    return [
      ...head,
      ...(key.endsWith('h:x') ? this.#others.read(this.#now()) : this.#endpoints.read(key, this.#now())),
    ];
  }

  #suspend(key: string, ms: number, why: string, resume: boolean): void {
    const now = this.#now();
    if (resume) return void this.#suspensions.delete(key);
    const until = ms < 0 ? NEVER : now + ms;
    const known = this.#suspensions.get(key)?.until ?? 0;
    if (until > known || ms < 0) this.#suspensions.set(key, { value: why, until });
  }

  #pin(key: string): Pin | undefined {
    const pin = this.#pins.get(key);
    return pin !== undefined && pin.until > this.#now() && pin.value.endpoint !== ENDED ? pin.value : undefined;
  }

  /** When the last word on the session was given that is still remembered. */
  #wordOf(key: string): number {
    const known = this.#pins.get(key);
    return known !== undefined && known.until > this.#now() ? known.value.generation : Number.NEGATIVE_INFINITY;
  }

  #putPin(key: string, pin: Pin, idle: number): void {
    const now = this.#now();
    const until = Math.min(pin.endsAt, idle < 0 ? NEVER : now + idle);
    if (pin.uses === 0 || until < now + 1) this.#pins.delete(key);
    else this.#pins.set(key, { value: pin, until });
  }

  #nextGeneration(): number {
    this.#meta ??= { epoch: 0, openAt: 0, gen: 0, terms: '', data: 0 };
    this.#meta.gen = Math.max(Math.round(this.#now() * 100), this.#meta.gen + 1);
    return this.#meta.gen;
  }

  #hear(worker: string, silence: number): void {
    const now = this.#now();
    this.#workers.set(worker, now);
    for (const [other, at] of this.#workers) if (at <= now - silence) this.#workers.delete(other);
  }

  get #epochText(): string {
    return this.#meta === undefined || this.#meta.epoch === 0 ? '' : this.#meta.epoch.toFixed(0);
  }
}
