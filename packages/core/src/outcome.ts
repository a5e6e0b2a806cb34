/** How far an attempt had come when it failed. The first four are the dialer's; the target's begin at `target-tls`. */
export type Phase =
  | 'proxy-connect'
  | 'proxy-tls'
  | 'proxy-handshake'
  | 'tunnel'
  | 'target-tls'
  | 'request'
  | 'response'
  | 'body';

/** Whose doing a failure was, where the one who saw it knows. */
export type Fault = 'endpoint' | 'target' | 'caller' | 'unclear';

/** Reads a header by its lower-case name. */
export interface HeaderView {
  get(name: string): string | undefined;
}

export interface ResponseOutcome {
  readonly kind: 'response';
  readonly status: number;
  readonly latencyMs: number;
  /** How long the proxy took to be ready to carry it, where that was seen apart. */
  readonly handshakeMs?: number;
  /** `absolute`: the proxy refused a tunnel and spoke for the target, so a 5xx may be its own. */
  readonly via?: 'tunnel' | 'absolute';
  readonly headers?: HeaderView;
  /** Decoded, at most `classify.bodyBytes`. */
  readonly bodyPrefix?: Uint8Array;
  /** Bytes came back that only the client can read, as through a tunnel: the status is the tunnel's, not the target's. */
  readonly opaque?: boolean;
}

export interface FailureOutcome {
  readonly kind: 'failure';
  readonly phase: Phase;
  readonly code: string;
  readonly elapsedMs: number;
  /** Whether a byte of the request may have reached the target: decides reroute against replay. */
  readonly sent: 'nothing' | 'maybe';
  readonly fault?: Fault;
}

export interface AbandonedOutcome {
  readonly kind: 'abandoned';
  readonly elapsedMs: number;
}

/** What was observed. Adapters report outcomes; they never judge them. */
export type Outcome = ResponseOutcome | FailureOutcome | AbandonedOutcome;

/** Who is to blame, if anyone. The only thing health reads. */
export type Verdict =
  | 'success'
  | 'endpoint-fault'
  | 'throttled'
  | 'denied'
  | 'target-fault'
  | 'final'
  | 'unclear'
  | 'abandoned';
