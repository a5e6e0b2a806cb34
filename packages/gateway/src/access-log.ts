import type { EndpointId } from '@fairlead/core';
import type { Client } from './doorman.js';
import type { Destination } from './destination.js';

/** One request or tunnel, as a line of a log. Holds no credential, no path and no query. */
export interface AccessRecord {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly id: number;
  /** `connect` and `socks` are tunnels; `plain` came in absolute form, `target` named its target in a header. */
  readonly kind: 'connect' | 'socks' | 'plain' | 'target';
  /** The user or key; undefined for the anonymous and for tickets. */
  readonly client: string | undefined;
  readonly session: string | undefined;
  /** `host:port`, as far as it was understood. */
  readonly target: string | undefined;
  readonly proxy: EndpointId | 'direct' | undefined;
  readonly attempts: number;
  /** What the client was answered; 200 for a tunnel that stood. */
  readonly status: number;
  /** Why it was refused, or how the tunnel ended where it did not end in order. */
  readonly code: string | undefined;
  /** Until the tunnel stood, or the answer was over. */
  readonly latencyMs: number;
  readonly durationMs: number;
  /** Bytes from the client and bytes for it, of tunnels and bodies. */
  readonly sent: number;
  readonly received: number;
  /** The target is left alone at present. */
  readonly suspended: boolean;
}

/** What has gone through a gateway since it was made. */
export interface AccessTotals {
  readonly total: number;
  /** Refused, or ended by an error. */
  readonly failed: number;
  readonly sent: number;
  readonly received: number;
}

/** What is known at the end of an access. */
export type AccessEnd = {
  readonly [K in 'proxy' | 'attempts' | 'code' | 'latencyMs' | 'sent' | 'received']?: AccessRecord[K] | undefined;
} & Pick<AccessRecord, 'status'>;

/** An access under way: filled in as it becomes known, ended once. */
export class Access {
  readonly kind: AccessRecord['kind'];
  client: Client | undefined;
  destination: Destination | undefined;
  /** Exits that were tried so far. */
  attempts = 0;
  readonly #log: AccessLog;
  readonly #since = performance.now();
  #ended = false;

  /** @internal */
  constructor(log: AccessLog, kind: AccessRecord['kind']) {
    this.#log = log;
    this.kind = kind;
  }

  end(end: AccessEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#log.write(this, end);
  }

  /** @internal */
  recordOf({
    status,
    proxy,
    attempts = this.attempts,
    code,
    latencyMs,
    sent = 0,
    received = 0,
  }: AccessEnd): AccessRecord {
    const durationMs = performance.now() - this.#since;
    return {
      time: Date.now(),
      id: this.#log.nextId(),
      kind: this.kind,
      client: this.client?.name,
      session: this.client?.ticket?.session ?? this.client?.wishes.session,
      target: this.destination?.authority,
      proxy,
      attempts,
      status,
      code,
      latencyMs: latencyMs ?? durationMs,
      durationMs,
      sent,
      received,
      suspended: code === 'TARGET_SUSPENDED',
    };
  }
}

/** Counts accesses and tells of each. A listener that throws harms nobody. */
export class AccessLog {
  readonly #onAccess: ((record: AccessRecord) => void) | undefined;
  readonly #totals = { total: 0, failed: 0, sent: 0, received: 0 };
  #ids = 0;
  /** Begun and not ended. */
  open = 0;

  constructor(onAccess: ((record: AccessRecord) => void) | undefined) {
    this.#onAccess = onAccess;
  }

  get totals(): AccessTotals {
    return { ...this.#totals };
  }

  begin(kind: AccessRecord['kind']): Access {
    this.open += 1;
    return new Access(this, kind);
  }

  nextId(): number {
    return (this.#ids += 1);
  }

  write(access: Access, end: AccessEnd): void {
    const { code, sent = 0, received = 0 } = end;
    this.open -= 1;
    this.#totals.total += 1;
    if (code !== undefined && code !== 'ABORTED') this.#totals.failed += 1;
    this.#totals.sent += sent;
    this.#totals.received += received;
    if (this.#onAccess === undefined) return;
    try {
      this.#onAccess(access.recordOf(end));
    } catch {
      // The log is not worth a request.
    }
  }
}
