import { randomBytes, timingSafeEqual } from 'node:crypto';
import {
  toTarget,
  type Endpoint,
  type EndpointId,
  type Outcome,
  type Phase,
  type Pool,
  type Tenancy,
} from '@fairlead/core';
import { digestOf } from './accounts.js';
import type { Holding, HoldingRequest, MoveListener } from './holding.js';
import { TicketExits } from './ticket-exits.js';

/** Hears what becomes of one connection. */
export interface TunnelJudge {
  /** The first byte came back. */
  readonly carried: (latencyMs: number) => void;
  readonly closed: () => void;
}

/** What a ticket is minted for. */
export interface TicketRequest extends HoldingRequest {
  /**
   * Its holder sees the answers and will `report` what they were: until then, for half a minute after a tunnel has closed,
   * that it carried bytes is held for no success. @default false
   */
  readonly reports?: boolean;
  /** Once its exit has carried something, no other takes its place but by `rotate`: connections are refused with SESSION_LOST. @default false */
  readonly strict?: boolean;
  /** With `strict`: the exit is this one from the start, or none. @default whichever carries something first */
  readonly keeps?: EndpointId;
  /** One exit for all targets, or one for each host that is visited. @default 'one' */
  readonly exits?: 'one' | 'per-host';
  /** How long each of its connections may take to be made, where that is less than the gateway's own time. */
  readonly connectTimeoutMs?: () => number | undefined;
  /**
   * Whether its holder visits a host. What a browser wants of others, its maker's services say, goes through the same exit; that
   * one of them could not be reached costs the exit nothing, and its holder hears nothing of it. @default all
   */
  readonly visits?: (url: URL) => boolean;
}

/** Why a connection of a ticket's was refused. */
export interface TicketRefusal {
  readonly code: string;
  readonly message: string;
  /** The host and port that it was for. */
  readonly host?: string;
  /** How far the last dial had come, where no proxy could be dialled. */
  readonly phase?: Phase;
}

/** Told of each connection that was refused. */
export type RefusalListener = (refusal: TicketRefusal) => void;

/** The exit a ticket holds at the moment. */
export interface TicketInfo {
  readonly endpoint: EndpointId;
  readonly tags: readonly string[];
  readonly tier: number;
}

/** @internal */
export interface TicketHost {
  readonly pool: Pool;
  readonly terms: { readonly idleMs: number };
  readonly reportDueMs: number;
  readonly released: (ticket: Ticket) => void;
}

/** Hosts whose exit is remembered until their report; pages have more, and are reported for one. */
const MOST_CARRIERS = 20;

/** 128 bits each: neither is guessed. */
const BYTES = 16;

/**
 * A credential of the gateway, good for as many connections as its holder likes: all go through one exit, which is taken at
 * the first of them. User name and password are in private fields; nothing that prints a ticket shows them.
 */
export class Ticket {
  readonly #username = `t-${randomBytes(BYTES).toString('hex')}`;
  readonly #password = randomBytes(BYTES).toString('hex');
  readonly #digest = digestOf(this.#password);
  readonly #host: TicketHost;
  readonly #moved = new Set<MoveListener>();
  /** @internal */
  readonly reports: boolean;
  readonly #refused = new Set<RefusalListener>();
  readonly #exits: TicketExits;
  readonly session: string | undefined;
  readonly #visits: ((url: URL) => boolean) | undefined;
  readonly #connectTimeoutMs: (() => number | undefined) | undefined;
  /** Whom the exit answered since the last report, by host: a verdict is for that exit, whatever is held by then. */
  readonly #carriers = new Map<string, Tenancy>();
  #open = 0;
  #openedAt: number | undefined;
  #heardAt: number | undefined;
  /** How often its holder has reported. */
  #reported = 0;
  /** Tunnels that have carried bytes of which nobody has said yet what they were. */
  readonly #due = new Map<Holding, { readonly tenancy: Tenancy; readonly latencyMs: number; readonly target: URL }>();
  #timer: NodeJS.Timeout | undefined;

  /** @internal */
  constructor(host: TicketHost, terms: TicketRequest) {
    const { reports = false, strict = false, keeps, exits = 'one', visits, connectTimeoutMs, ...request } = terms;
    this.#host = host;
    this.reports = reports;
    this.#visits = visits;
    this.#connectTimeoutMs = connectTimeoutMs;
    this.session = request.session;
    this.#exits = new TicketExits({
      pool: host.pool,
      request,
      terms: strict ? { ...host.terms, strict, ...(keeps && { keeps }) } : host.terms,
      perHost: exits === 'per-host',
      onMove: (move) => {
        tellAll(this.#moved, move);
      },
    });
  }

  get username(): string {
    return this.#username;
  }

  get password(): string {
    return this.#password;
  }

  /** The gateway's URL with the ticket in it, for clients that take a proxy as one string. */
  urlAt(gatewayUrl: string): string {
    return gatewayUrl.replace('://', `://${this.#username}:${this.#password}@`);
  }

  /** The exit it holds now; undefined before the first connection, and between two exits. Of several, the one used last. */
  get info(): TicketInfo | undefined {
    return infoOf(this.#exits.latest.current?.endpoint);
  }

  /** The exit it holds or held last; undefined before the first connection. */
  get last(): TicketInfo | undefined {
    return infoOf(this.#exits.latest.last);
  }

  get released(): boolean {
    return this.#exits.released;
  }

  /** Connections that are open through it. */
  get connections(): number {
    return this.#open;
  }

  /** When a connection of its own was let through last, on the clock of `performance.now()`. */
  get openedAt(): number | undefined {
    return this.#openedAt;
  }

  /** When bytes came back last through a connection that had carried none before, on the clock of `performance.now()`. */
  get heardAt(): number | undefined {
    return this.#heardAt;
  }

  /**
   * What the holder saw: a page's status, a failure. True when the verdict costs the exit its place; what is open through it is
   * closed then.
   */
  report(outcome: Outcome, target: string | URL): boolean {
    const url = urlOf(target);
    const holding = this.#exits.find(url);
    if (holding === undefined) return false;
    const tenancy = this.#carriers.get(url.host) ?? holding.current ?? this.#due.get(holding)?.tenancy;
    this.#carriers.delete(url.host);
    this.#due.delete(holding);
    this.#reported += 1;
    return tenancy !== undefined && holding.observe(tenancy, outcome, url, true);
  }

  /** Goes on through another exit from now on; open connections are closed. */
  rotate(): void {
    this.#exits.rotate();
  }

  /**
   * Its holder rests: what is open is closed, or left to its end, and the exit given back. Until `hold`, a connection takes one
   * anew, a session's the same, for as long as it lasts.
   */
  giveBack({ closing = true }: { readonly closing?: boolean } = {}): void {
    this.#exits.giveBack(closing);
  }

  /** Its holder goes on: from the next connection the exit is held between connections, too. */
  hold(): void {
    this.#exits.hold();
  }

  /** The holder is done: the credential is void, connections are closed and the exit is given back. */
  release(): void {
    if (this.released) return;
    this.#forgetDue();
    this.#exits.release();
    this.#moved.clear();
    this.#refused.clear();
    this.#host.released(this);
  }

  /** Calls back when the ticket goes on through another exit; the answer takes the listener off again. */
  onMove(listener: MoveListener): () => void {
    this.#moved.add(listener);
    return () => this.#moved.delete(listener);
  }

  /** Calls back when a connection is refused, with what the client was told; the answer takes the listener off again. */
  onRefused(listener: RefusalListener): () => void {
    this.#refused.add(listener);
    return () => this.#refused.delete(listener);
  }

  /** @internal */
  holdingFor(target: URL): Holding {
    return this.#exits.of(target);
  }

  /** @internal Whether what becomes of a connection to it concerns the holder. */
  visits(target: URL): boolean {
    return this.#visits === undefined || safely(() => this.#visits!(target));
  }

  /** @internal */
  get connectTimeoutMs(): number | undefined {
    return this.#connectTimeoutMs?.();
  }

  /** @internal */
  refused(
    { code, message, phase }: Omit<TicketRefusal, 'phase'> & { readonly phase?: Phase | undefined },
    target?: URL,
  ): void {
    if (target !== undefined && !this.visits(target)) return;
    // A client that goes away was refused nothing.
    if (code === 'ABORTED' && !this.released) return;
    tellAll(this.#refused, { code, message, ...(target && { host: target.host }), ...(phase && { phase }) });
  }

  /** @internal */
  opens(digest: Buffer): boolean {
    return timingSafeEqual(digest, this.#digest);
  }

  /** @internal A connection is there. What it answers is told what becomes of it; `aside` says nothing of the exit. */
  opened(tenancy: Tenancy, target: URL, aside: boolean): TunnelJudge {
    this.#open += 1;
    if (aside) return { carried: () => undefined, closed: () => void (this.#open -= 1) };
    this.#openedAt = performance.now();
    this.#remember(target.host, tenancy);
    const before = this.#reported;
    let latency: number | undefined;
    return {
      carried: (latencyMs) => {
        latency = latencyMs;
        this.#heardAt = performance.now();
        if (!this.reports) this.#exits.of(target).observe(tenancy, opaque(latencyMs), target);
      },
      closed: () => {
        this.#open -= 1;
        // Who reports tells better than bytes what they were.
        if (!this.reports || latency === undefined || this.#reported > before || this.released) return;
        this.#due.set(this.#exits.of(target), { tenancy, latencyMs: latency, target });
        this.#timer ??= setTimeout(() => this.#overdue(), this.#host.reportDueMs).unref();
        this.#timer.refresh();
      },
    };
  }

  #remember(host: string, tenancy: Tenancy): void {
    if (!this.reports || this.#carriers.get(host)?.settled === false) return;
    this.#carriers.delete(host);
    this.#carriers.set(host, tenancy);
    const [oldest] = this.#carriers.keys();
    if (this.#carriers.size > MOST_CARRIERS && oldest !== undefined) this.#carriers.delete(oldest);
  }

  #overdue(): void {
    const due = [...this.#due];
    this.#forgetDue();
    for (const [holding, { tenancy, latencyMs, target }] of due) holding.observe(tenancy, opaque(latencyMs), target);
  }

  #forgetDue(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due.clear();
  }
}

/** A listener that throws harms no connection; it is said on the process instead. */
function tellAll<T>(listeners: ReadonlySet<(event: T) => void>, event: T): void {
  for (const listener of listeners) {
    try {
      listener(event);
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : new Error('a listener of a ticket threw'));
    }
  }
}

/** A question that throws is answered with yes: nothing is left unjudged by mistake. */
function safely(ask: () => boolean): boolean {
  try {
    return ask();
  } catch {
    return true;
  }
}

function infoOf(endpoint: Endpoint | undefined): TicketInfo | undefined {
  return endpoint && { endpoint: endpoint.id, tags: endpoint.tags, tier: endpoint.tier };
}

/** All that is known of a tunnel that carried bytes: how long it took to stand. */
export function opaque(latencyMs: number): Outcome {
  return { kind: 'response', status: 200, latencyMs, via: 'tunnel', opaque: true };
}

function urlOf(target: string | URL): URL {
  return target instanceof URL ? target : new URL(target.includes('://') ? target : `https://${toTarget(target)}`);
}
