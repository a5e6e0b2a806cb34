import type { Socket } from 'node:net';
import { checkInteger, checkKeys, type EndpointId } from '@fairlead/core';

/** Bytes on the wire between here and a proxy: its handshake, TLS and all. */
export interface Bytes {
  readonly sent: number;
  readonly received: number;
}

export interface FlowLabels {
  readonly endpoint: EndpointId;
  /** The target's host. */
  readonly target: string;
  /** The same with its port. */
  readonly authority: string;
  readonly session?: string | undefined;
}

/** The bytes of one socket on their way into the counts. */
export interface Flow {
  /** What comes from now on belongs to this session: a kept connection serves one after another. */
  handTo(session: string | undefined): void;
}

/** Hears of every socket to a proxy. */
export interface Tracker {
  track(socket: Socket, labels: FlowLabels): Flow;
}

/** Counts bytes per endpoint, target and session. One may serve any number of endpoints. */
export interface Traffic extends Tracker {
  total(): Bytes;
  ofEndpoint(id: EndpointId): Bytes;
  ofTarget(host: string): Bytes;
  ofSession(session: string): Bytes;
  /** Each endpoint, target and session seen, with its bytes. */
  snapshot(): TrafficSnapshot;
}

export interface TrafficSnapshot {
  readonly total: Bytes;
  readonly endpoints: ReadonlyMap<string, Bytes>;
  readonly targets: ReadonlyMap<string, Bytes>;
  readonly sessions: ReadonlyMap<string, Bytes>;
}

export interface TrafficOptions {
  /** Most targets and most sessions counted apart; the rest is counted together, under `*`. @default 10_000 */
  readonly maxKeys?: number;
}

/** Counts from now on. */
export function createTraffic(options: TrafficOptions = {}): Traffic {
  checkKeys(options, ['maxKeys'] satisfies (keyof TrafficOptions)[], '');
  const { maxKeys = 10_000 } = options;
  checkInteger(maxKeys, 0, 'maxKeys');
  return new TrafficCounter(maxKeys);
}

const REST = '*';
const NOTHING: Bytes = Object.freeze({ sent: 0, received: 0 });

class TrafficCounter implements Traffic {
  readonly #endpoints: Tally;
  readonly #targets: Tally;
  readonly #sessions: Tally;
  readonly #all: Tally;
  readonly #live = new Set<SocketFlow>();

  constructor(maxKeys: number) {
    [this.#endpoints, this.#targets, this.#sessions] = [new Tally(maxKeys), new Tally(maxKeys), new Tally(maxKeys)];
    this.#all = new Tally(1);
  }

  track(socket: Socket, labels: FlowLabels): Flow {
    const flow = new SocketFlow(socket, labels, this.#add);
    this.#live.add(flow);
    socket.once('close', () => {
      flow.settle();
      this.#live.delete(flow);
    });
    return flow;
  }

  total(): Bytes {
    this.#settle();
    return this.#all.of(REST);
  }

  ofEndpoint(id: EndpointId): Bytes {
    this.#settle();
    return this.#endpoints.of(id);
  }

  ofTarget(host: string): Bytes {
    this.#settle();
    return this.#targets.of(host);
  }

  ofSession(session: string): Bytes {
    this.#settle();
    return this.#sessions.of(session);
  }

  snapshot(): TrafficSnapshot {
    const total = this.total();
    return { total, endpoints: this.#endpoints.copy(), targets: this.#targets.copy(), sessions: this.#sessions.copy() };
  }

  /** Sockets are read when someone asks: counting costs a request nothing. */
  #settle(): void {
    for (const flow of this.#live) flow.settle();
  }

  readonly #add = (labels: FlowLabels, bytes: Bytes): void => {
    this.#all.add(REST, bytes);
    this.#endpoints.add(labels.endpoint, bytes);
    this.#targets.add(labels.target, bytes);
    if (labels.session !== undefined) this.#sessions.add(labels.session, bytes);
  };
}

class SocketFlow implements Flow {
  readonly #socket: Socket;
  readonly #add: (labels: FlowLabels, bytes: Bytes) => void;
  #labels: FlowLabels;
  #sent = 0;
  #received = 0;

  constructor(socket: Socket, labels: FlowLabels, add: (labels: FlowLabels, bytes: Bytes) => void) {
    this.#socket = socket;
    this.#labels = labels;
    this.#add = add;
  }

  handTo(session: string | undefined): void {
    if (session === this.#labels.session) return;
    this.settle();
    this.#labels = { ...this.#labels, session };
  }

  settle(): void {
    const { bytesWritten: sent, bytesRead: received } = this.#socket;
    if (sent === this.#sent && received === this.#received) return;
    this.#add(this.#labels, { sent: sent - this.#sent, received: received - this.#received });
    [this.#sent, this.#received] = [sent, received];
  }
}

/** Sums by key. A Map, for keys are other people's text. */
class Tally {
  readonly #sums = new Map<string, { sent: number; received: number }>();
  readonly #maxKeys: number;

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
  }

  add(key: string, { sent, received }: Bytes): void {
    const known = this.#sums.get(key);
    if (known === undefined && this.#sums.size >= this.#maxKeys && key !== REST) {
      this.add(REST, { sent, received });
      return;
    }
    this.#sums.set(key, { sent: (known?.sent ?? 0) + sent, received: (known?.received ?? 0) + received });
  }

  of(key: string): Bytes {
    return this.#sums.get(key) ?? NOTHING;
  }

  copy(): ReadonlyMap<string, Bytes> {
    return new Map(this.#sums);
  }
}
