/** How an attempt ended, as the one who sent it can tell. */
export type ReplyKind =
  /** What was asked for. */
  | 'ok'
  /** 200, with a page that is not what was asked for; only a user's own classifier can tell. */
  | 'captcha'
  | 'denied'
  | 'throttled'
  | 'target-error'
  /** The endpoint could not be reached or refused to carry the attempt. */
  | 'connect-fault'
  /** The connection broke half-way. */
  | 'cut'
  /** Nothing came until the sender gave up. */
  | 'timeout';

/** One attempt's fate. The world writes it into an object that the caller reuses. */
export interface Reply {
  kind: ReplyKind;
  /** Infinity when nothing would ever come. */
  takesMs: number;
  /** 0 when the refusal names no time. */
  retryAfterMs: number;
}

export const emptyReply = (): Reply => ({ kind: 'ok', takesMs: 0, retryAfterMs: 0 });
