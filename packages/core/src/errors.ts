/** Every code an error of ours can carry. Codes are API: added in a minor release, never renamed. */
export type FairleadErrorCode =
  | 'INVALID_PROXY'
  | 'INVALID_OPTION'
  | 'UNKNOWN_OPTION'
  | 'UNKNOWN_PRESET'
  | 'UNKNOWN_ENDPOINT'
  | 'INVALID_TARGET'
  | 'INVALID_OUTCOME'
  | 'UNKNOWN_TARGET'
  | 'POOL_EXHAUSTED'
  | 'QUEUE_FULL'
  | 'TARGET_SUSPENDED'
  | 'SESSION_LOST'
  | 'POOL_CLOSED'
  | 'DEADLINE_EXCEEDED'
  | 'QUEUE_TIMEOUT'
  | 'BUDGET_SPENT'
  | 'ABORTED'
  | 'RETRIES_EXHAUSTED'
  | 'POLICY_UNSUPPORTED'
  | 'STORE_BUSY'
  | 'STORE_UNUSABLE';

/** The base of every error thrown by Fairlead. Match on `code`: `instanceof` fails across copies of a package. */
export class FairleadError extends Error {
  override readonly name: string = 'FairleadError';
  readonly code: FairleadErrorCode;

  constructor(code: FairleadErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Something the caller wrote cannot be meant: names the item, offers the nearest known word, shows no credential. */
export class ConfigurationError extends FairleadError {
  override readonly name = 'ConfigurationError';
  /** Where it stands: an option's path such as `retry.maxAttempts`, or `line 7` of a list. */
  readonly item: string;

  constructor(code: FairleadErrorCode, item: string, problem: string) {
    super(code, `${item}: ${problem}`);
    this.item = item;
  }
}

/** No endpoint could be leased. Says how many were ruled out for each reason. */
export class PoolExhaustedError extends FairleadError {
  override readonly name = 'PoolExhaustedError';
  readonly counts: Readonly<Record<string, number>>;
  /** In how many milliseconds asking again may help, if that is known. */
  readonly retryAfterMs: number | undefined;

  constructor(target: string, counts: Readonly<Record<string, number>>, retryAfterMs?: number) {
    // Counts by reason and never URLs: messages end up in logs, and URLs carry passwords.
    const reasons = Object.entries(counts).map(([why, n]) => `${n} ${why}`);
    super('POOL_EXHAUSTED', `no proxy available for ${target}: ${reasons.join(', ') || 'the pool is empty'}`);
    this.counts = counts;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The target is left alone for longer than the request may wait. */
export class TargetSuspendedError extends FairleadError {
  override readonly name = 'TargetSuspendedError';
  /** In how many milliseconds the suspension ends; Infinity: when somebody resumes the target. */
  readonly retryAfterMs: number;

  constructor(target: string, remainingMs: number) {
    const span = Number.isFinite(remainingMs)
      ? `for another ${Math.ceil(remainingMs / 1000)} s`
      : 'until it is resumed';
    super('TARGET_SUSPENDED', `${target} is suspended ${span}, longer than this request may wait`);
    this.retryAfterMs = remainingMs;
  }
}
