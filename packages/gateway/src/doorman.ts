import { Account, digestOf, type Accounts } from './accounts.js';
import { Refusal } from './refusal.js';
import type { Ticket } from './ticket.js';
import type { TicketBook } from './ticket-book.js';
import { NO_WISHES, readWishes, splitsOf, type Wishes } from './user-name.js';
import { WrongPasswords } from './wrong-passwords.js';

/** Who has come in, and what it asked for by its name. */
export interface Client {
  /** What the log calls it; undefined for the anonymous. */
  readonly name: string | undefined;
  readonly account: Account | undefined;
  readonly ticket: Ticket | undefined;
  readonly wishes: Wishes;
}

/** The client, with what it asks for by headers beside what it asks for by its name. */
export function wishing(client: Client, { session, tags }: Wishes): Client {
  if (session === undefined && tags.length === 0) return client;
  const { wishes } = client;
  return { ...client, wishes: { session: session ?? wishes.session, tags: [...wishes.tags, ...tags] } };
}

/** Where a client comes from: asked for only when it matters. */
type Peer = { readonly remoteAddress?: string | undefined };

interface DoormanParts {
  readonly accounts: Accounts;
  readonly tickets: TicketBook;
  /** Whether those without credentials may come in. */
  readonly anonymous: boolean;
  readonly now: () => number;
}

const NOBODY: Client = Object.freeze({ name: undefined, account: undefined, ticket: undefined, wishes: NO_WISHES });
/** Whose wrong passwords are counted where there is no account of a name. Mistyped names keep no bearer of a key out. */
const UNKNOWN_NAME = '';
const NO_NAME = ':';
/** Compared with where there is nothing to compare with. */
const DUMMY = new Account('', 'nobody has this password', undefined, '');

/** Lets clients in. */
export class Doorman {
  readonly #parts: DoormanParts;
  readonly #wrong: WrongPasswords;

  constructor(parts: DoormanParts) {
    this.#parts = parts;
    this.#wrong = new WrongPasswords(parts.now);
  }

  /** Reads a `Proxy-Authorization` header, or a key given by itself. */
  admit(header: string | undefined, key: string | undefined, peer: Peer): Client {
    if (header !== undefined && key !== undefined) throw new Refusal(400, 'BAD_REQUEST', 'there are two credentials');
    const given = key === undefined ? header : `Bearer ${key}`;
    if (given === undefined) return this.admitAnonymous();
    const [, scheme = '', value = ''] = /^(\w+) +(\S+) *$/.exec(given) ?? [];
    if (scheme.toLowerCase() === 'bearer') {
      const account = this.#admitKey(value, peer, NO_NAME);
      return { name: account.name, account, ticket: undefined, wishes: NO_WISHES };
    }
    if (scheme.toLowerCase() !== 'basic') throw unauthorized('the scheme is neither Basic nor Bearer');
    const pair = Buffer.from(value, 'base64').toString('utf8');
    const colon = pair.indexOf(':');
    if (colon < 0) throw unauthorized('there is no password');
    return this.admitPair(pair.slice(0, colon), pair.slice(colon + 1), peer);
  }

  admitAnonymous(): Client {
    if (this.#parts.anonymous) return NOBODY;
    throw unauthorized('this gateway wants a user name and a password');
  }

  get wantsCredentials(): boolean {
    return !this.#parts.anonymous;
  }

  admitPair(userName: string, password: string, peer: Peer): Client {
    const { accounts, tickets, anonymous } = this.#parts;
    const ticket = tickets.get(userName);
    if (ticket !== undefined) {
      this.#check(ticket.opens(digestOf(password)), peer, userName);
      return { name: undefined, account: undefined, ticket, wishes: NO_WISHES };
    }
    for (const [name, rest] of splitsOf(userName)) {
      const account = accounts.userOf(name);
      if (account === undefined) continue;
      this.#check(account.opens(digestOf(password)), peer, name);
      return { name, account, ticket: undefined, wishes: wishesOf(rest) };
    }
    // Nobody is known here by any name: what comes as one can only be wishes.
    if (anonymous && (password === '' || accounts.size === 0)) {
      const wishes = userName === '' ? NO_WISHES : readWishes(userName);
      if (wishes !== undefined) return { ...NOBODY, wishes };
    }
    const account = this.#admitKey(password, peer, UNKNOWN_NAME);
    return { name: account.name, account, ticket: undefined, wishes: wishesOf(userName) };
  }

  #admitKey(key: string, peer: Peer, name: string): Account {
    const digest = digestOf(key);
    const account = this.#parts.accounts.keyOf(digest);
    this.#check((account ?? DUMMY).opens(digest), peer, name);
    return account!;
  }

  #check(right: boolean, { remoteAddress = '' }: Peer, name: string): void {
    const waitS = this.#wrong.waitS(remoteAddress, name);
    // Not even a right one: or guessing would be as quick as ever.
    if (waitS > 0) {
      throw new Refusal(429, 'TOO_MANY_WRONG_PASSWORDS', 'too many wrong passwords', { 'Retry-After': String(waitS) });
    }
    if (right) return;
    this.#wrong.note(remoteAddress, name);
    throw unauthorized('the user name or the password is wrong');
  }
}

function wishesOf(text: string): Wishes {
  if (text === '') return NO_WISHES;
  const wishes = readWishes(text);
  if (wishes === undefined) throw unauthorized('the user name is not name-session-…-tag-…-country-…');
  return wishes;
}

function unauthorized(message: string): Refusal {
  return new Refusal(407, 'UNAUTHORIZED', message, { 'Proxy-Authenticate': 'Basic realm="fairlead", charset="UTF-8"' });
}
