import { createHash, timingSafeEqual } from 'node:crypto';
import { checkKeys, compileTargetPattern, ConfigurationError, ownOptions, type TargetMatcher } from '@fairlead/core';

/** Who may use a gateway, and for which targets. */
export interface UserOptions {
  readonly password: string;
  /** Targets it may reach, as patterns such as `shop.example` or `*.shop.example`, matched whole. @default all */
  readonly targets?: readonly string[];
}

/** A key stands for itself: as `Proxy-Authorization: Bearer …`, `X-Fairlead-Key`, or as the password of any user name. */
export interface KeyOptions {
  /** At least 16 characters. */
  readonly key: string;
  /** What the access log calls it. @default `key-1`, by its place in the list */
  readonly name?: string;
  /** Targets it may reach, as patterns matched whole. @default all */
  readonly targets?: readonly string[];
}

/** One that may come in. Its secret is kept as a digest, in a private field. */
export class Account {
  readonly name: string;
  readonly #digest: Buffer;
  readonly #targets: readonly TargetMatcher[] | undefined;

  constructor(name: string, secret: string, targets: readonly string[] | undefined, item: string) {
    this.name = name;
    this.#digest = digestOf(secret);
    this.#targets = targets?.map((pattern, index) => compileTargetPattern(pattern, `${item}.targets[${index}]`));
  }

  /** In the same time for every answer. */
  opens(digest: Buffer): boolean {
    return timingSafeEqual(digest, this.#digest);
  }

  mayReach(url: URL): boolean {
    return this.#targets === undefined || this.#targets.some((matches) => matches(url));
  }

  /** Whether what it may reach depends on more than the host. */
  get isRestricted(): boolean {
    return this.#targets !== undefined;
  }
}

export function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

const SHORTEST_KEY = 16;
const NAME = /^[^:\p{Cc}\p{Cs}]+$/u;

interface Given {
  readonly password?: string;
  readonly key?: string;
  readonly name?: string;
  readonly targets?: readonly string[];
}

/** A secret by itself, or an object with it. */
function readAccount(given: unknown, secret: 'password' | 'key', item: string): Given {
  if (typeof given === 'string') return { [secret]: given };
  const account = ownOptions(given as Given, item);
  checkKeys(account, secret === 'key' ? ['key', 'name', 'targets'] : ['password', 'targets'], item);
  if (account.targets !== undefined && !Array.isArray(account.targets))
    throw problem(`${item}.targets`, 'must be a list');
  return account;
}

/** The people and the programs that a gateway knows. */
export class Accounts {
  readonly #users = new Map<string, Account>();
  readonly #keys: readonly Account[];

  constructor(users: Readonly<Record<string, string | UserOptions>>, keys: readonly (string | KeyOptions)[]) {
    if (![Object.prototype, null].includes(Object.getPrototypeOf(users) as object | null)) {
      throw problem('users', 'must be an object of names and passwords');
    }
    for (const [name, given] of Object.entries(users)) {
      const { password, targets } = readAccount(given, 'password', `users.${name}`);
      if (!NAME.test(name)) throw problem('users', 'a name must not be empty, or hold a colon or control characters');
      if (typeof password !== 'string' || password === '') throw problem(`users.${name}`, 'needs a password');
      this.#users.set(name, new Account(name, password, targets, `users.${name}`));
    }
    this.#keys = keys.map((given, index) => {
      const item = `keys[${index}]`;
      const { key, name = `key-${index + 1}`, targets } = readAccount(given, 'key', item);
      // What is kept apart by its client is kept by the client's name.
      if (this.#users.has(name)) throw problem(item, 'is called as a user is');
      if (!NAME.test(name)) throw problem(`${item}.name`, 'must not be empty, or hold a colon or control characters');
      if (typeof key !== 'string' || key.length < SHORTEST_KEY) {
        throw problem(item, `must have at least ${SHORTEST_KEY} characters`);
      }
      return new Account(name, key, targets, item);
    });
  }

  get size(): number {
    return this.#users.size + this.#keys.length;
  }

  userOf(name: string): Account | undefined {
    return this.#users.get(name);
  }

  /** All are compared, so that the time tells nothing of which. */
  keyOf(digest: Buffer): Account | undefined {
    let found: Account | undefined;
    for (const account of this.#keys) if (account.opens(digest)) found = account;
    return found;
  }
}

function problem(item: string, text: string): ConfigurationError {
  return new ConfigurationError('INVALID_OPTION', item, text);
}
