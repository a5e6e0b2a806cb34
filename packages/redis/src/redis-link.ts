import { hash } from 'node:crypto';
import type { Clock, Instant, StoreReport } from '@fairlead/core';
import { unfitness } from './checks.js';
import type { Keys } from './keys.js';
import type { RedisPort } from './port/redis-port.js';
import { SCRIPTS, type Verb } from './scripts/index.js';
import { disagreement } from './terms.js';

export interface LinkOptions {
  readonly worker: string;
  /** What all who share the store have to have in common. */
  readonly terms: string;
  /** A command that takes longer counts as lost: what came of it is unknown. */
  readonly timeoutMs: number;
  /** How long nobody is admitted after the store has lost its data. */
  readonly graceMs: number;
  /** A worker that was not heard of for so long counts as gone. */
  readonly silenceMs: number;
  /** After how long out of reach workers begin to grant by themselves; Infinity where they never do. */
  readonly aloneAfterMs: number;
}

/** What came of a command. */
export type Reply =
  | { readonly ok: true; readonly value: readonly unknown[] }
  /** `unknown`: it may have been done. `refused`: it has not been. */
  | { readonly ok: false; readonly outcome: 'unknown' | 'refused' };

const REFUSED: Reply = Object.freeze({ ok: false, outcome: 'refused' });
const UNKNOWN: Reply = Object.freeze({ ok: false, outcome: 'unknown' });
const PROBE_MS = 100;
/** Lives of a command between two probes, beyond which this process must have been stopped itself. */
const STOPPED_LIVES = 3;

/** How the link is told apart: working, out of reach, or coming back. */
export type LinkState = 'up' | 'down' | 'returning';

/**
 * The way to the store and what is known of it. It counts as up only after the worker has said there what it holds; a
 * store that has lost its data gets a new epoch first, and a grace in which nobody is admitted.
 */
export class RedisLink {
  readonly keys: Keys;
  readonly #port: RedisPort;
  readonly #options: LinkOptions;
  readonly #digests = new Map<Verb, string>();
  #clock!: Clock;
  #report: (report: StoreReport) => void = () => undefined;
  #state: LinkState = 'down';
  #epoch = '';
  #contactAt: Instant = Number.NEGATIVE_INFINITY;
  #probedAt: Instant = Number.NEGATIVE_INFINITY;
  #triedSince: Instant = Number.POSITIVE_INFINITY;
  #cancelProbe: (() => void) | undefined;
  #stopListening: () => void = () => undefined;
  #closed = false;
  #wanted = false;
  /** Which server it was, and since which epoch it has lost nothing. */
  #server = '';
  #data = '';
  #why = '';
  #unfit: string | undefined;
  /** That the server does not say what it is was told once. */
  #isTrusted = false;
  /** Something was granted without the store: when it is back, everyone has to say first what they hold. */
  grantedAlone = false;
  /** Tells the store what this worker holds, and what it believes where that is lost there; false when that failed. */
  reassert: (isLost: boolean) => Promise<boolean> = async () => true;
  /** The link is up. */
  onUp: () => void = () => undefined;

  constructor(port: RedisPort, keys: Keys, options: LinkOptions) {
    this.#port = port;
    this.keys = keys;
    this.#options = options;
    for (const [verb, script] of Object.entries(SCRIPTS)) this.#digests.set(verb as Verb, hash('sha1', script, 'hex'));
  }

  get state(): LinkState {
    return this.#state;
  }

  get epoch(): string {
    return this.#epoch;
  }

  /** Why it is not up, as far as anybody has said. */
  get why(): string {
    return this.#why;
  }

  /** Why the server may not be used, where that is so. */
  get unfit(): string | undefined {
    return this.#unfit;
  }

  /** When the last command that was answered had been sent. */
  get contactAt(): Instant {
    return this.#contactAt;
  }

  /**
   * Since when this worker has tried for the store without a break. One that was stopped knows nothing of the time between:
   * others may have had the store all along.
   */
  get triedSince(): Instant {
    return this.#isWakeful() ? this.#triedSince : Number.POSITIVE_INFINITY;
  }

  #isWakeful(): boolean {
    return this.#clock.now() - this.#probedAt <= PROBE_MS + STOPPED_LIVES * this.#options.timeoutMs;
  }

  start(clock: Clock, report: (report: StoreReport) => void): void {
    this.#clock = clock;
    this.#report = report;
    this.#stopListening = this.#port.onChange((up) => {
      if (up) this.#probeSoon(0);
      else this.#down('the connection was lost');
    });
    this.#probeSoon(0);
  }

  close(): void {
    this.#closed = true;
    this.#state = 'down';
    this.#cancelProbe?.();
    this.#stopListening();
  }

  /** Runs a verb, if the store is up. */
  run(verb: Verb, keys: readonly string[], args: readonly string[]): Promise<Reply> {
    return this.#state === 'up' ? this.send(verb, keys, args) : Promise.resolve(REFUSED);
  }

  /** Runs a verb also while the link is coming back: for what has to be said before it is up. */
  async send(verb: Verb, keys: readonly string[], args: readonly string[]): Promise<Reply> {
    const answer = await this.#exchange(verb, keys, args);
    if (answer.kind === 'value') return { ok: true, value: answer.value };
    if (answer.kind === 'missing') this.epochChanged();
    else this.#down(answer.why);
    return answer.kind === 'unknown' ? UNKNOWN : REFUSED;
  }

  /** The store has begun another epoch: this worker has to say again what it holds. */
  epochChanged(): void {
    if (this.#state !== 'up') return;
    this.#state = 'returning';
    this.#probeSoon(0);
  }

  #down(why: string): void {
    if (this.#closed) return;
    // Once for each time it goes; that it is not there yet at the start is no news.
    if (this.#state !== 'down') this.#report({ state: 'down', why });
    this.#why = why;
    this.#state = 'down';
    this.#probeSoon(PROBE_MS);
  }

  #probeSoon(afterMs: number): void {
    if (this.#closed) return;
    this.#wanted = true;
    this.#cancelProbe?.();
    this.#cancelProbe = this.#clock.schedule(this.#clock.now() + afterMs, () => void this.#probe());
  }

  #probing = false;
  /** A verb was not there, though the sentinel may be: scripts were thrown away while somebody loaded them. */
  #isIncomplete = false;

  async #probe(): Promise<void> {
    if (this.#probing || this.#closed || this.#state === 'up') return;
    this.#probing = true;
    this.#wanted = false;
    const now = this.#clock.now();
    if (!this.#isWakeful() || this.#state === 'returning') this.#triedSince = now;
    this.#triedSince = Math.min(this.#triedSince, now);
    this.#probedAt = now;
    const back = this.#port.isUp() && (await this.#comeBack());
    this.#probing = false;
    if (this.#closed) return;
    if (!back) return this.#probeSoon(PROBE_MS);
    // While it came back it may have gone again.
    if (this.#wanted) this.#probeSoon(0);
  }

  async #comeBack(): Promise<boolean> {
    const before = this.#contactAt;
    // A server that is refused is written nothing; one that has been there for long is asked first whether it still is.
    if (this.#epoch === '' && !(await this.#isFit())) return false;
    const seen = await this.#exchange('sentinel', ...this.#inquiry);
    if (seen.kind !== 'value' && seen.kind !== 'missing') return this.#refused(seen.why);
    if (this.#epoch !== '' && !(await this.#isFit())) return false;
    const missing = seen.kind === 'missing';
    if ((missing || this.#isIncomplete) && !(await this.#loadVerbs())) return false;
    const found = missing ? NOTHING : foundOf(seen.value);
    const { silentMs, terms, server } = found;
    let { epoch, openIn, data } = found;
    // A store that is empty, new, another one or of other terms; or one that may not know what was granted without it.
    const foreign = terms !== '' && terms !== this.#options.terms;
    if (epoch === '' || foreign || this.#isAnother(epoch, server) || this.#mayHaveBeenAlone(epoch, before, silentMs)) {
      const mayBeLost = missing || this.#isAnother(epoch, server);
      const begun = await this.#begin(epoch === '' ? this.#epoch : epoch, mayBeLost);
      if (begun === undefined) return false;
      ({ epoch, openIn, data } = begun);
    }
    this.#epoch = epoch;
    this.#state = 'returning';
    if (openIn > 0) this.#report({ state: 'recovering', why: 'everyone says first what they hold' });
    if (!(await this.reassert(data !== this.#data)) || this.#isDown()) return false;
    this.#data = data;
    // Last: whoever finds it knows that somebody has brought the store back.
    if (missing && !(await this.#loads('sentinel'))) return false;
    this.#server = server === '' && missing ? await this.#askServer() : server;
    if (this.#isDown()) return false;
    this.grantedAlone = false;
    this.#state = 'up';
    this.#why = '';
    this.#triedSince = Number.POSITIVE_INFINITY;
    this.#report({ state: 'working', why: 'the store is there' });
    this.onUp();
    return true;
  }

  get #inquiry(): [keys: string[], args: string[]] {
    const { worker, silenceMs, terms } = this.#options;
    return [
      [this.keys.meta, this.keys.workers],
      [worker, String(silenceMs), terms],
    ];
  }

  /** A new epoch, or the one that somebody else has begun; undefined where those who are there work by other terms. */
  async #begin(known: string, mayBeLost: boolean): Promise<Pick<Found, 'epoch' | 'openIn' | 'data'> | undefined> {
    const { graceMs, terms } = this.#options;
    const names = [this.keys.meta, this.keys.workers];
    const begun = await this.#exchange('recover', names, [known, String(graceMs), terms, mayBeLost ? '1' : '0']);
    if (begun.kind !== 'value') return undefined;
    const [epoch, openIn, theirs, data] = begun.value;
    if (theirs === terms) return { epoch: String(epoch), openIn: Number(openIn), data: String(data) };
    this.#refused(disagreement(terms, String(theirs)));
    return undefined;
  }

  /**
   * Whether another server has served since, though it may have been this one before: replication is not awaited, so what
   * the other had granted last may be in neither.
   */
  #isAnother(epoch: string, server: string): boolean {
    return epoch === this.#epoch && this.#server !== '' && server !== this.#server;
  }

  async #askServer(): Promise<string> {
    const seen = await this.#exchange('sentinel', ...this.#inquiry);
    return seen.kind === 'value' ? foundOf(seen.value).server : '';
  }

  /** Whether the server may be used. While it was away somebody may have set it otherwise, or put another in its place. */
  async #isFit(): Promise<boolean> {
    this.#unfit = await unfitness(this, (report) => {
      if (!this.#isTrusted) this.#report(report);
      this.#isTrusted = true;
    });
    return this.#unfit === undefined || this.#refused(this.#unfit);
  }

  #refused(why: string): false {
    if (why !== this.#why && this.#epoch !== '') this.#report({ state: 'down', why });
    this.#why = why;
    return false;
  }

  /**
   * Whether somebody may hold what the store does not know: whoever was out of reach for as long as it takes to begin to
   * grant alone has to think so of the others too. One of them who is back already has begun the epoch that it takes.
   */
  #mayHaveBeenAlone(epoch: string, contactAt: Instant, silentMs: number): boolean {
    const { aloneAfterMs } = this.#options;
    const nobodyBack = silentMs < 0 || silentMs >= aloneAfterMs;
    if (this.#epoch === '') return silentMs >= aloneAfterMs;
    if (epoch !== this.#epoch && !nobodyBack) return false;
    return this.grantedAlone || this.#clock.now() - contactAt >= aloneAfterMs;
  }

  /** Asked anew: it may have changed while something was awaited. */
  #isDown(): boolean {
    return this.#state === 'down';
  }

  async #loadVerbs(): Promise<boolean> {
    const verbs = (Object.keys(SCRIPTS) as Verb[]).filter((verb) => verb !== 'sentinel');
    const done = (await Promise.all(verbs.map((verb) => this.#loads(verb)))).every(Boolean);
    if (done) this.#isIncomplete = false;
    return done;
  }

  async #loads(verb: Verb): Promise<boolean> {
    try {
      return (await this.#within(this.#port.load(SCRIPTS[verb]))) === this.#digests.get(verb);
    } catch {
      return false;
    }
  }

  async #exchange(verb: Verb, keys: readonly string[], args: readonly string[]): Promise<Answer> {
    const sentAt = this.#clock.now();
    try {
      const value = await this.#within(this.#port.evalSha(this.#digests.get(verb)!, keys, args));
      if (value === undefined) return { kind: 'unknown', why: 'it answers too slowly' };
      this.#contactAt = Math.max(this.#contactAt, sentAt);
      return { kind: 'value', value: Array.isArray(value) ? value : [value] };
    } catch (error) {
      const answer = refusalOf(String((error as Error)?.message ?? error));
      if (answer.kind === 'missing' && verb !== 'sentinel') this.#isIncomplete = true;
      return answer;
    }
  }

  /** The answer to any other command; undefined where there is none, or not in time. */
  async ask(name: string, ...args: readonly string[]): Promise<string | undefined> {
    const answer = await this.#within(this.#port.command(name, ...args).catch(() => undefined));
    return answer === undefined ? undefined : String(answer);
  }

  /** The answer, or undefined when it takes longer than a command may: also in a process that was stopped meanwhile. */
  async #within<T>(work: Promise<T>): Promise<T | undefined> {
    const sentAt = this.#clock.now();
    const { timeoutMs } = this.#options;
    let cancel = (): void => undefined;
    const late = new Promise<undefined>((resolve) => {
      cancel = this.#clock.schedule(sentAt + timeoutMs, () => resolve(undefined));
    });
    try {
      const value = await Promise.race([work, late]);
      return this.#clock.now() - sentAt > timeoutMs ? undefined : value;
    } finally {
      cancel();
    }
  }
}

/** What the sentinel says of the store. */
interface Found {
  readonly epoch: string;
  readonly openIn: number;
  readonly silentMs: number;
  readonly terms: string;
  readonly server: string;
  readonly data: string;
}

const NOTHING: Found = Object.freeze({ epoch: '', openIn: 0, silentMs: -1, terms: '', server: '', data: '' });

function foundOf([epoch, openIn, silentMs, terms, server, data]: readonly unknown[]): Found {
  const numbers = { openIn: Number(openIn), silentMs: Number(silentMs) };
  return { epoch: String(epoch), ...numbers, terms: String(terms), server: String(server), data: String(data) };
}

type Answer =
  | { readonly kind: 'value'; readonly value: readonly unknown[] }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unknown' | 'refused'; readonly why: string };

/** What the server refused in so many words was not done; a broken connection tells nothing. */
function refusalOf(words: string): Answer {
  const [, code] = /^([A-Z]{2,})\b/.exec(words) ?? [];
  if (code === 'NOSCRIPT') return { kind: 'missing' };
  if (code === undefined) return { kind: 'unknown', why: 'the connection was lost' };
  return { kind: 'refused', why: `it answers ${code}` };
}
