import type { LookupFunction, Socket } from 'node:net';
import { FairleadError, type Outcome, type Pool } from '@fairlead/core';
import { dialTunnel, failureOf, Inlet, type Abortion, type DialOptions, type DialSettings } from '@fairlead/dial';
import type { Cancellation } from './cancellation.js';
import type { Destination } from './destination.js';
import type { Client } from './doorman.js';
import { Search, type Hearsay } from './hearsay.js';
import { TicketHold, type Hold } from './hold.js';
import type { Call, Seat } from './holding.js';
import { Line, type LineJudge } from './line.js';
import { failureUnguarded, refusalOf, type Refusal } from './refusal.js';
import type { SessionBook } from './session-book.js';
import { connectDirect } from './direct.js';

interface SwitchboardParts {
  readonly sessions: SessionBook;
  readonly settings: DialSettings;
  readonly connectTimeoutMs: number;
  readonly hearsay: Hearsay;
  readonly pool: Pool;
  readonly isDirect: (destination: Destination) => boolean;
  /** Resolves names for direct connections, and refuses private addresses. */
  readonly lookup: LookupFunction;
}

/** A client's wish for a way to a target. */
export interface Wish {
  readonly client: Client;
  readonly destination: Destination;
  /** Aborts when the client has gone. */
  readonly gone: Cancellation;
  /** Counts each exit that is tried. */
  readonly access: { attempts: number };
}

/** Opens lines for clients: through one exit after another until one stands, and only then is the client answered. */
export class Switchboard {
  readonly #parts: SwitchboardParts;

  constructor(parts: SwitchboardParts) {
    this.#parts = parts;
  }

  /** Calls back once, in this very turn at the soonest. */
  open(wish: Wish, found: (line: Line) => void, missed: (error: unknown) => void): void {
    const { connectTimeoutMs, isDirect, sessions } = this.#parts;
    const { ticket, name, wishes } = wish.client;
    const timeoutMs = Math.min(connectTimeoutMs, ticket?.connectTimeoutMs ?? connectTimeoutMs);
    if (isDirect(wish.destination)) return void this.#openDirect(wish, timeoutMs).then(found, missed);
    const hold = ticket === undefined ? sessions.borrow(name, wishes) : new TicketHold(ticket, wish.destination.url);
    new Route(this.#parts, hold, wish, timeoutMs, found, missed).find();
  }

  async #openDirect({ destination, gone }: Wish, timeoutMs: number): Promise<Line> {
    const since = performance.now();
    const inlet = new Inlet();
    const { lookup } = this.#parts;
    const socket = await connectDirect(destination, { lookup, inlet, signal: gone, timeoutMs });
    const latencyMs = performance.now() - since;
    return new Line({ socket, inlet, endpoint: undefined, attempts: 1, latencyMs, judge: BLAMELESS });
  }
}

/** The search for one line: exit after exit, for as long as the client waits and it is not hopeless. */
class Route {
  readonly #parts: SwitchboardParts;
  readonly #hold: Hold;
  readonly #wish: Wish;
  readonly #search: Search;
  readonly #found: (line: Line) => void;
  readonly #missed: (error: unknown) => void;
  #dialling: Dialling | undefined;
  #attempts = 0;
  #unmoved = 0;
  #failure: Refusal | undefined;

  constructor(
    parts: SwitchboardParts,
    hold: Hold,
    wish: Wish,
    timeoutMs: number,
    found: (line: Line) => void,
    missed: (error: unknown) => void,
  ) {
    this.#parts = parts;
    this.#hold = hold;
    this.#wish = wish;
    this.#found = found;
    this.#missed = missed;
    const { hearsay, pool } = parts;
    const { holding, aside } = hold;
    this.#search = new Search({ hearsay, holding, target: wish.destination.url, pool, timeoutMs, aside });
  }

  find(): void {
    this.#wish.gone.addEventListener('abort', () => this.#dialling?.abort());
    this.#next();
  }

  #next(): void {
    this.#attempts += 1;
    const { destination, gone } = this.#wish;
    const dialling = new Dialling(destination.url, this.#search.leftMs, gone);
    this.#dialling = dialling;
    try {
      const seat = this.#hold.holding.take(dialling);
      if (seat instanceof Promise) seat.then((taken) => this.#dial(taken, dialling)).catch(this.#over);
      else this.#dial(seat, dialling);
    } catch (error) {
      this.#over(error);
    }
  }

  #dial(seat: Seat, dialling: Dialling): void {
    this.#wish.access.attempts += 1;
    const { host, port } = this.#wish.destination;
    const { tenancy } = seat;
    const since = performance.now();
    const inlet = new Inlet();
    const timeoutMs = this.#search.dialMs(tenancy);
    // Written out: a copy of the settings would be the dearest object of a tunnel.
    const { ca, lookup, traffic, targetLookup } = this.#parts.settings;
    const terms = { ca, lookup, traffic, targetLookup, host, port, signal: dialling, timeoutMs, inlet };
    dialTunnel(tenancy.endpoint, terms as DialOptions)
      .then(
        (socket) => this.#stands(seat, dialling, socket, inlet, performance.now() - since),
        (error: unknown) => this.#failed(seat, dialling, error, performance.now() - since),
      )
      .catch(this.#over);
  }

  #stands(seat: Seat, dialling: Dialling, socket: Socket, inlet: Inlet, latencyMs: number): void {
    const judge = this.#hold.judge(seat, this.#wish.destination.url);
    const attempts = this.#attempts;
    const line = new Line({ socket, inlet, endpoint: seat.tenancy.endpoint.id, attempts, latencyMs, judge });
    this.#search.reached(seat.tenancy);
    dialling.line = line;
    this.#found(line);
  }

  #failed(seat: Seat, dialling: Dialling, error: unknown, elapsedMs: number): void {
    const { gone } = this.#wish;
    const outcome = failureUnguarded(error, failureOf(error, elapsedMs));
    const moved = this.#search.failed(seat, outcome);
    // The exit was left for another while it was dialled: that is nobody's failure.
    const rotated = dialling.aborted && !gone.aborted;
    this.#failure = refusalOf(error);
    // The exit stays: the target may be down. It is asked once more through it, and once only.
    if (!moved && !rotated) this.#unmoved += 1;
    const final = gone.aborted || isFinal(outcome);
    const { isHopeless, deadline } = this.#search;
    if (final || this.#unmoved > 1 || isHopeless || performance.now() >= deadline) this.#over(this.#failure);
    else this.#next();
  }

  readonly #over = (error: unknown): void => {
    this.#search.over();
    this.#hold.giveBack();
    // What was wrong with the last exit says more than that there is no other.
    this.#missed(this.#failure !== undefined && isExhausted(error) ? this.#failure : error);
  };
}

/** One attempt's call for a place, and what ends it: before its line stands, and after. */
class Dialling implements Call, Abortion {
  readonly target: URL;
  readonly deadlineMs: number;
  readonly gone: Cancellation;
  line: Line | undefined;
  aborted = false;
  #listener: (() => void) | undefined;

  constructor(target: URL, deadlineMs: number, gone: Cancellation) {
    this.target = target;
    this.deadlineMs = deadlineMs;
    this.gone = gone;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listener = listener;
  }

  removeEventListener(): void {
    this.#listener = undefined;
  }

  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    this.#listener?.();
  }

  /** The exit is left at once. */
  close(): void {
    if (this.line === undefined) this.abort();
    else this.line.close();
  }
}

const BLAMELESS: LineJudge = {
  touch: () => undefined,
  carried: () => undefined,
  failed: () => undefined,
  over: () => undefined,
};

function isExhausted(error: unknown): boolean {
  return error instanceof FairleadError && (error.code === 'POOL_EXHAUSTED' || error.code === 'DEADLINE_EXCEEDED');
}

/** The client's own doing: no other exit would change it. */
function isFinal(outcome: Outcome): boolean {
  return outcome.kind === 'failure' && outcome.fault === 'caller' && outcome.code !== 'ABORTED';
}
