import type { ReplyKind } from './reply.js';

/** One request on its way; the engine reuses the object for the next. */
export interface Request {
  readonly slot: number;
  target: number;
  startedAt: number;
  deadlineAt: number;
  /** Attempts started so far. */
  attempts: number;
  /** Attempts under way: more than one when hedged or raced. */
  live: number;
  hedges: number;
  /** Endpoints tried so far, in order. */
  readonly tried: number[];
  /** Set by a player that lets the request wait: when to ask again. */
  wakeAt: number;
}

/** What an attempt told: a reply, or that the winner of a race made it pointless. */
export type Sight = ReplyKind | 'cancelled';

/** Answers of `choose` that name no endpoint. */
export const WAIT = -1;
export const GIVE_UP = -2;

/** A policy as the engine plays it. It sees replies, never the world. */
export interface Player {
  readonly name: string;
  /** The endpoint of the next attempt, or WAIT until `request.wakeAt`, or GIVE_UP. */
  choose(request: Request, now: number): number;
  /** An attempt ended. Every chosen endpoint is observed exactly once. */
  observe(request: Request, endpoint: number, sight: Sight, tookMs: number, now: number, retryAfterMs: number): void;
  /** When to give an attempt up; the user's own timeout bounds it. */
  patienceMs?(request: Request, endpoint: number): number;
  /** When to send a second attempt beside a live one; Infinity for never. */
  hedgeAfterMs?(request: Request, endpoint: number, now: number): number;
  /** Attempts to keep under way at once. */
  width?(request: Request): number;
  /** Whether this reply goes to the caller as it is, though it is no success. */
  delivers?(sight: Sight): boolean;
  /** Whether waiting requests ask again whenever an attempt has ended, not at `wakeAt` alone. */
  readonly wakesOnRelease?: boolean;
  /** Whether the user's classifier tells a captcha from a page. */
  readonly seesCaptchas?: boolean;
}
