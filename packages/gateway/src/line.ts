import type { Socket } from 'node:net';
import type { EndpointId, Outcome } from '@fairlead/core';
import type { Inlet } from '@fairlead/dial';
import { relay, type RelayEnd, type RelayOptions } from './relay.js';

/** Hears what becomes of a line: what it tells is what its exit is judged by. */
export interface LineJudge {
  touch(): void;
  carried(latencyMs: number): void;
  failed(outcome: Outcome): void;
  over(): void;
}

interface LineParts {
  readonly socket: Socket;
  readonly inlet: Inlet;
  readonly endpoint: EndpointId | undefined;
  readonly attempts: number;
  /** How long it took to stand: what its exit's latency is, however long it then lives. */
  readonly latencyMs: number;
  readonly judge: LineJudge;
}

/**
 * A client that asks nothing for so long leaves its exit nothing to show but that the tunnel stood. That counts: an exit on
 * trial carries one at a time, and a browser that opens tunnels ahead would keep all others from it.
 */
const QUIET_MS = 1000;
/** A client that waits this long for the first byte after its own has been let down. It may wait on. */
const FIRST_BYTE_MS = 30_000;

/** An open way to a target, before and while a client uses it. */
export class Line implements RelayOptions {
  readonly endpoint: EndpointId | undefined;
  readonly attempts: number;
  readonly latencyMs: number;
  readonly #parts: LineParts;
  #idleMs = 0;
  #since = 0;
  /** When its client said something first. */
  #askedAt: number | undefined;
  #carried = false;
  #waiting: NodeJS.Timeout | undefined;
  #close: (() => void) | undefined;
  #ended: ((end: RelayEnd) => void) | undefined;
  #over = false;

  constructor(parts: LineParts) {
    this.#parts = parts;
    this.endpoint = parts.endpoint;
    this.attempts = parts.attempts;
    this.latencyMs = parts.latencyMs;
    // Until somebody uses it, its errors are nobody's.
    parts.socket.on('error', ignore);
  }

  /** Joins it to its client; `early` are bytes that came before it stood. */
  join(client: Socket, early: Buffer, idleMs: number, ended: (end: RelayEnd) => void): void {
    this.#since = performance.now();
    this.#idleMs = idleMs;
    this.#ended = ended;
    if (early.length > 0) client.unshift(early);
    this.#waiting = setTimeout(this.#quiet, QUIET_MS);
    this.#close = relay(client, this.#parts.socket, this.#parts.inlet, this);
  }

  /** Closes it, used or not. */
  close(): void {
    if (this.#close !== undefined) return this.#close();
    this.#parts.socket.destroy();
    this.#finish();
  }

  get idleMs(): number {
    return this.#idleMs;
  }

  onBytes(): void {
    this.#parts.judge.touch();
    if (this.#carried || this.#askedAt !== undefined) return;
    this.#askedAt = performance.now();
    this.#waiting ??= setTimeout(this.#unanswered, FIRST_BYTE_MS);
  }

  onFirstByte(): void {
    this.#carried = true;
    clearTimeout(this.#waiting);
    this.#parts.judge.carried(this.latencyMs);
  }

  /** By its first byte and by how the flow ended, never by how long it lived. A client that leaves blames nobody. */
  onEnd(end: RelayEnd): void {
    const { sent, by, error } = end;
    if (by === 'upstream' && sent > 0) {
      if (!this.#carried) this.#fail(error ?? 'TUNNEL_CLOSED', 'response');
      else if (error !== undefined) this.#fail(error, 'body');
    }
    this.#finish();
    this.#ended?.(end);
  }

  /** One timer does for both waits: most tunnels carry something before the first is over. */
  readonly #quiet = (): void => {
    this.#waiting = undefined;
    if (this.#askedAt === undefined) return this.#parts.judge.carried(this.latencyMs);
    this.#waiting = setTimeout(this.#unanswered, FIRST_BYTE_MS - (performance.now() - this.#askedAt));
  };

  readonly #unanswered = (): void => this.#fail('FIRST_BYTE_TIMEOUT', 'response');

  #fail(code: string, phase: 'response' | 'body'): void {
    const elapsedMs = performance.now() - this.#since;
    this.#parts.judge.failed({ kind: 'failure', phase, code, elapsedMs, sent: 'maybe', fault: 'unclear' });
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#waiting);
    this.#parts.judge.over();
  }
}

function ignore(): void {}
