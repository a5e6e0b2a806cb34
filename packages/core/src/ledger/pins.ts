/** The binding of a session to an endpoint. */
export interface Pin {
  readonly row: number;
  /** Which endpoint the row held when the pin was made. */
  readonly epoch: number;
  /** Tells this pin from every other of its session: a stale lease must not unbind a newer one. */
  readonly generation: number;
  expiresAt: number;
  readonly endsAt: number;
  usesLeft: number;
}

/** How long a pin lasts. */
export interface PinTerms {
  /** Since its last use. */
  readonly ttlMs: number;
  /** Since it was made. */
  readonly maxMs: number;
  /** Uses in all. */
  readonly maxUses: number;
}

/** Pins by session, least recently used first. */
export interface Pins {
  readonly bySession: Map<string, Pin>;
  readonly max: number;
  nextGeneration: number;
}

export function createPins(max: number): Pins {
  return { bySession: new Map(), max, nextGeneration: 1 };
}

/** The session's pin, unless it has run out. Reads; prolongs nothing. */
export function pinOf({ bySession }: Pins, session: string, now: number): Pin | undefined {
  const pin = bySession.get(session);
  if (pin === undefined) return undefined;
  if (isLive(pin, now)) return pin;
  bySession.delete(session);
  return undefined;
}

/** It has neither run out nor been used up. */
export function isLive({ expiresAt, endsAt, usesLeft }: Pin, now: number): boolean {
  return now < expiresAt && now < endsAt && usesLeft > 0;
}

/** Counts a use of the pin and puts it last in line to be forgotten. */
export function usePin({ bySession }: Pins, session: string, pin: Pin, terms: PinTerms, now: number): void {
  pin.expiresAt = now + terms.ttlMs;
  pin.usesLeft -= 1;
  bySession.delete(session);
  bySession.set(session, pin);
}

/** Binds the session; the least recently used session gives way when there are too many, and is returned. */
export function makePin(pins: Pins, session: string, row: number, epoch: number, terms: PinTerms, now: number): Pin {
  const generation = pins.nextGeneration;
  pins.nextGeneration += 1;
  const pin: Pin = {
    row,
    epoch,
    generation,
    expiresAt: now + terms.ttlMs,
    endsAt: now + terms.maxMs,
    usesLeft: terms.maxUses - 1,
  };
  if (pins.bySession.size >= pins.max) forgetOldest(pins);
  pins.bySession.set(session, pin);
  return pin;
}

/** Ends the binding, of any generation or of the expected one alone: compare and delete. */
export function dropPin({ bySession }: Pins, session: string, expected?: number): boolean {
  const pin = bySession.get(session);
  if (pin === undefined || (expected !== undefined && pin.generation !== expected)) return false;
  return bySession.delete(session);
}

function forgetOldest({ bySession }: Pins): void {
  for (const session of bySession.keys()) {
    bySession.delete(session);
    return;
  }
}
