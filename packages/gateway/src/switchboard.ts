import type { LookupFunction, Socket } from 'node:net';
import { FairleadError, type EndpointId, type Outcome, type Pool } from '@fairlead/core';
import { dialTunnel, failureOf, Inlet, type DialSettings } from '@fairlead/dial';
import { Cancellation } from './cancellation.js';
import type { Destination } from './destination.js';
import type { Client } from './doorman.js';
import { Search, type Hearsay } from './hearsay.js';
import type { Holding, Seat } from './holding.js';
import { Line, type LineJudge } from './line.js';
import { failureUnguarded, Refusal, refusalOf } from './refusal.js';
import type { SessionBook } from './session-book.js';
import { opaque } from './ticket.js';
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
interface Wish {
  readonly destination: Destination;
  /** Aborts when the client has gone. */
  readonly gone: Cancellation;
  /** Told of each exit that is tried. */
  readonly trying: () => void;
  readonly timeoutMs: number;
}

/** What is held for one connection, and who hears of it. */
interface Hold {
  readonly holding: Holding;
  readonly search: Search;
  readonly judge: (seat: Seat, target: URL) => LineJudge;
  readonly giveBack: () => void;
}

/** Opens lines for clients: through one exit after another until one stands, and only then is the client answered. */
export class Switchboard {
  readonly #parts: SwitchboardParts;

  constructor(parts: SwitchboardParts) {
    this.#parts = parts;
  }

  open(client: Client, destination: Destination, gone: Cancellation, trying: () => void): Promise<Line> {
    const { connectTimeoutMs } = this.#parts;
    const timeoutMs = Math.min(connectTimeoutMs, client.ticket?.connectTimeoutMs ?? connectTimeoutMs);
    const wish = { destination, gone, trying, timeoutMs };
    if (this.#parts.isDirect(destination)) return this.#openDirect(wish);
    return this.#openThrough(this.#hold(client, destination, timeoutMs), wish);
  }

  async #openDirect({ destination, gone, timeoutMs }: Wish): Promise<Line> {
    const since = performance.now();
    const inlet = new Inlet();
    const { lookup } = this.#parts;
    const socket = await connectDirect(destination, { lookup, inlet, signal: gone, timeoutMs });
    return lineOf(socket, inlet, undefined, 1, since, BLAMELESS);
  }

  async #openThrough(hold: Hold, wish: Wish): Promise<Line> {
    const { search } = hold;
    let failure: Refusal | undefined;
    let unmoved = 0;
    try {
      for (let attempts = 1; ; attempts += 1) {
        const tried = await this.#tryOnce(hold, wish, attempts);
        if (tried instanceof Line) return tried;
        failure = tried.refusal;
        // The exit stays: the target may be down. It is asked once more through it, and once only.
        if (!tried.moved) unmoved += 1;
        if (tried.final || unmoved > 1 || search.isHopeless || performance.now() >= search.deadline) throw failure;
      }
    } catch (error) {
      search.over();
      hold.giveBack();
      // What was wrong with the last exit says more than that there is no other.
      throw failure !== undefined && isExhausted(error) ? failure : error;
    }
  }

  async #tryOnce(hold: Hold, { destination, gone, trying }: Wish, attempts: number) {
    const { holding, search } = hold;
    const { url, host, port } = destination;
    const leaving = new Cancellation();
    const leave = (): void => leaving.abort();
    let close = leave;
    const seat = await holding.take({ target: url, deadlineMs: search.leftMs, gone, close: () => close() });
    gone.addEventListener('abort', leave);
    trying();
    const since = performance.now();
    const inlet = new Inlet();
    try {
      const timeoutMs = search.dialMs(seat.tenancy);
      const terms = { ...this.#parts.settings, host, port, signal: leaving, timeoutMs, inlet };
      const socket = await dialTunnel(seat.tenancy.endpoint, terms);
      const judge = hold.judge(seat, url);
      const line = lineOf(socket, inlet, seat.tenancy.endpoint.id, attempts, since, judge);
      search.reached(seat.tenancy);
      close = () => line.close();
      return line;
    } catch (error) {
      const outcome = failureUnguarded(error, failureOf(error, performance.now() - since));
      const moved = search.failed(seat, outcome);
      // The exit was left for another while it was dialled: that is nobody's failure.
      const rotated = leaving.aborted && !gone.aborted;
      return { refusal: refusalOf(error), moved: moved || rotated, final: gone.aborted || isFinal(outcome) };
    } finally {
      gone.removeEventListener('abort', leave);
    }
  }

  #hold({ ticket, name, wishes }: Client, { url }: Destination, timeoutMs: number): Hold {
    const { hearsay, pool } = this.#parts;
    const searchOf = (holding: Holding, aside: boolean): Search =>
      new Search({ hearsay, holding, target: url, pool, timeoutMs, aside });
    if (ticket !== undefined) {
      const holding = ticket.holdingFor(url);
      const aside = !ticket.visits(url);
      const judge = (seat: Seat, target: URL): LineJudge => {
        const { carried, closed } = ticket.opened(seat.tenancy, target, aside);
        const judged = judgeOf(holding, seat, target, carried, closed);
        return aside ? { ...judged, failed: () => undefined } : judged;
      };
      return { holding, search: searchOf(holding, aside), judge, giveBack: () => undefined };
    }
    const { holding, giveBack } = this.#parts.sessions.borrow(name, wishes);
    const judge = (seat: Seat, target: URL): LineJudge =>
      judgeOf(
        holding,
        seat,
        target,
        (latencyMs) => void holding.observe(seat.tenancy, opaque(latencyMs), target),
        giveBack,
      );
    return { holding, search: searchOf(holding, false), judge, giveBack };
  }
}

const BLAMELESS: LineJudge = {
  touch: () => undefined,
  carried: () => undefined,
  failed: () => undefined,
  over: () => undefined,
};

function judgeOf(
  holding: Holding,
  seat: Seat,
  target: URL,
  carried: (latencyMs: number) => void,
  closed: () => void,
): LineJudge {
  return {
    touch: () => seat.tenancy.touch(),
    carried,
    failed: (outcome: Outcome) => void holding.observe(seat.tenancy, outcome, target),
    over: () => {
      seat.release();
      closed();
    },
  };
}

function lineOf(
  socket: Socket,
  inlet: Inlet,
  endpoint: EndpointId | undefined,
  attempts: number,
  since: number,
  judge: LineJudge,
): Line {
  return new Line({ socket, inlet, endpoint, attempts, latencyMs: performance.now() - since, judge });
}

function isExhausted(error: unknown): boolean {
  return error instanceof FairleadError && (error.code === 'POOL_EXHAUSTED' || error.code === 'DEADLINE_EXCEEDED');
}

/** The client's own doing: no other exit would change it. */
function isFinal(outcome: Outcome): boolean {
  return outcome.kind === 'failure' && outcome.fault === 'caller' && outcome.code !== 'ABORTED';
}
