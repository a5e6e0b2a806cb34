import type { Player, Request, Sight } from '../player.js';

/** The optional verbs bound to their player, which may be an instance of a class. */
export function optional(inner: Player): Partial<Player> {
  return {
    ...(inner.patienceMs && { patienceMs: (request: Request, row: number) => inner.patienceMs!(request, row) }),
    ...(inner.hedgeAfterMs && {
      hedgeAfterMs: (request: Request, row: number, now: number) => inner.hedgeAfterMs!(request, row, now),
    }),
    ...(inner.width && { width: (request: Request) => inner.width!(request) }),
    ...(inner.delivers && { delivers: (sight: Sight) => inner.delivers!(sight) }),
    ...(inner.wakesOnRelease !== undefined && { wakesOnRelease: inner.wakesOnRelease }),
    ...(inner.seesCaptchas !== undefined && { seesCaptchas: inner.seesCaptchas }),
  };
}
