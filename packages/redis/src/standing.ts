import type { SoftRecord } from '@fairlead/core';
import { spread } from './keys.js';
import type { OwnWords } from './own-words.js';
import type { RedisLink } from './redis-link.js';

/** Sessions of one question. */
const PORTION = 500;

type PinRecord = Extract<SoftRecord, { kind: 'pin' }>;
type SuspensionRecord = Extract<SoftRecord, { kind: 'suspension' }>;

/**
 * What is told of suspensions and of sessions' exits comes a while after it was done, and a worker hears nothing of its own:
 * two that suspend and resume one target, or use and unbind one session, could each believe the other for ever. What is
 * told of them is only reason to ask; the store knows which was last.
 */
export class Standing {
  readonly #links: readonly RedisLink[];
  readonly #words: OwnWords;
  /** Of which an answer came too late or not at all: to be asked again. */
  readonly #targets = new Set<string>();
  readonly #sessions = new Set<string>();

  constructor(links: readonly RedisLink[], words: OwnWords) {
    this.#links = links;
    this.#words = words;
  }

  /** Hands on what was told, with what stands now in place of what may not. `wallNow` is asked when the answers are there. */
  async settle(
    told: readonly SoftRecord[],
    wallNow: () => number,
    take: (records: readonly SoftRecord[]) => void,
  ): Promise<void> {
    for (const target of this.#words.takeHeard('target')) this.#targets.add(target);
    for (const session of this.#words.takeHeard('session')) this.#sessions.add(session);
    this.doubt(told);
    const rest = told.filter(({ kind }) => kind !== 'suspension' && kind !== 'pin');
    const words = this.#words.since();
    try {
      const [pins, suspensions] = await Promise.all([this.#askPins(this.#sessions), this.#askSuspensions()]);
      const at = wallNow();
      const standing: SoftRecord[] = [];
      for (const pin of pins) {
        if (words.has('session', pin.session)) continue;
        this.#sessions.delete(pin.session);
        standing.push({ ...pin, at });
      }
      for (const suspension of suspensions) {
        if (words.has('target', suspension.target)) continue;
        this.#targets.delete(suspension.target);
        standing.push({ ...suspension, at });
      }
      // In the same breath: whatever is decided here from now on goes over it.
      take([...rest, ...standing]);
    } finally {
      words.end();
    }
  }

  /** Asks of these the next time. */
  doubt(records: Iterable<SoftRecord>): void {
    for (const record of records) {
      if (record.kind === 'suspension') this.#targets.add(record.target);
      if (record.kind === 'pin') this.#sessions.add(record.session);
    }
  }

  /** What this worker is to tell: of sessions what stands, not what it believed when it noted them. Newcomers read it for long. */
  async corrected(records: readonly SoftRecord[]): Promise<readonly SoftRecord[]> {
    const noted = new Map<string, number>();
    for (const record of records) if (record.kind === 'pin') noted.set(record.session, record.at);
    if (noted.size === 0) return records;
    const pins = await this.#askPins(noted.keys());
    const told = new Set(pins.map(({ session }) => session));
    const rest = records.filter((record) => record.kind !== 'pin' || !told.has(record.session));
    return [...rest, ...pins.map((pin) => ({ ...pin, at: noted.get(pin.session)! }))];
  }

  async #askPins(sessions: Iterable<string>): Promise<Omit<PinRecord, 'at'>[]> {
    const shards: string[][] = this.#links.map(() => []);
    for (const session of sessions) shards[shardOf(session, shards.length)]!.push(session);
    const portions = shards.flatMap((sessions, index) =>
      portionsOf(sessions).map((portion) => this.#pinsOf(this.#links[index]!, portion)),
    );
    return (await Promise.all(portions)).flat();
  }

  async #pinsOf(link: RedisLink, sessions: readonly string[]): Promise<Omit<PinRecord, 'at'>[]> {
    const names = sessions.map((session) => link.keys.pin(session));
    const reply = await link.run('pinned', names, []);
    if (!reply.ok) return [];
    return sessions.map((session, index) => pinOf(session, reply.value[index] as readonly unknown[]));
  }

  async #askSuspensions(): Promise<Omit<SuspensionRecord, 'at'>[]> {
    const link = this.#links[0]!;
    const answers = [...this.#targets].map(async (target): Promise<Omit<SuspensionRecord, 'at'>[]> => {
      const reply = await link.run('paused', [link.keys.suspension(target)], []);
      if (!reply.ok) return [];
      const [ms, why] = reply.value;
      return [{ kind: 'suspension', target, forMs: endless(ms), why: String(why) }];
    });
    return (await Promise.all(answers)).flat();
  }
}

/** The shard that a session's pin lives in. */
export function shardOf(session: string, shards: number): number {
  return spread(`session ${session}`) % shards;
}

function pinOf(session: string, [key, generation, idle, left, uses]: readonly unknown[]): Omit<PinRecord, 'at'> {
  if (key === undefined) return { kind: 'pin', session, key: '', idleMs: 0, endMs: 0, usesLeft: 0 };
  const until = { idleMs: endless(idle), endMs: endless(left), usesLeft: endless(uses) };
  return { kind: 'pin', session, key: String(key), ...until, generation: Number(generation) };
}

function endless(value: unknown): number {
  return Number(value) < 0 ? Number.POSITIVE_INFINITY : Number(value);
}

function portionsOf(names: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(names.length / PORTION) }, (_, index) =>
    names.slice(index * PORTION, (index + 1) * PORTION),
  );
}
