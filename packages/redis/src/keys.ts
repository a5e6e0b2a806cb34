import { hash } from 'node:crypto';

/** Digits of an id: 128 bits. */
const DIGITS = 32;
/** Hashes that endpoints' records are spread over. */
const BUCKETS = 16;
/** Ids remembered: hashing one costs more than all else that is done for an admission here. */
const MOST_IDS = 100_000;

/**
 * The names of a pool's keys, all in one slot. Whatever comes from users stands in them as a keyed hash of fixed width:
 * no session or host can name another's key, and none can be read out of them.
 */
export class Keys {
  readonly #prefix: string;
  readonly #secret: string;
  readonly #ids = new Map<string, string>();

  constructor(pool: string, shard: number, secret: string) {
    this.#prefix = `fl1:{${pool}${shard === 0 ? '' : `#${shard}`}}:`;
    this.#secret = secret;
  }

  get meta(): string {
    return `${this.#prefix}m`;
  }
  get feed(): string {
    return `${this.#prefix}hv`;
  }
  get workers(): string {
    return `${this.#prefix}w`;
  }
  get sequences(): string {
    return `${this.#prefix}q`;
  }
  get others(): string {
    return `${this.#prefix}h:x`;
  }

  get buckets(): string[] {
    return Array.from({ length: BUCKETS }, (_, bucket) => `${this.#prefix}h:${bucket.toString(16)}`);
  }

  bucketOf(endpoint: string): string {
    return `${this.#prefix}h:${endpoint[0]}`;
  }

  /** An endpoint's name is a keyed hash already. */
  leases(endpoint: string): string {
    return `${this.#prefix}l:${endpoint}`;
  }

  pace(endpoint: string, target: string): string {
    return `${this.#prefix}g:${endpoint}:${this.#id('target', target)}`;
  }

  suspension(target: string): string {
    return `${this.#prefix}t:${this.#id('target', target)}`;
  }

  pin(session: string): string {
    return `${this.#prefix}b:${this.#id('session', session)}`;
  }

  /** The field of a record that is no endpoint's. */
  field(kind: string, ...names: string[]): string {
    return `${kind}:${this.#id('record', names.join(' '))}`;
  }

  #id(kind: string, text: string): string {
    const name = `${kind} ${text}`;
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    const id = hash('sha256', `${this.#secret} ${name}`, 'hex').slice(0, DIGITS);
    if (this.#ids.size >= MOST_IDS) this.#ids.clear();
    this.#ids.set(name, id);
    return id;
  }
}

/** Spreads names over shards and workers: the same everywhere. */
export function spread(text: string): number {
  let mixed = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) mixed = Math.imul(mixed ^ text.charCodeAt(index), 0x01000193);
  mixed ^= mixed >>> 16;
  mixed = Math.imul(mixed, 0x85ebca6b);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}
