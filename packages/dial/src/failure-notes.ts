import type { FailureOutcome } from '@fairlead/core';

/** What the dialer knows of an error that is Node's own. */
export type FailureNote = Pick<FailureOutcome, 'phase' | 'sent'>;

/** Beside the error and not on it: it belongs to the library that throws it. */
const notes = new WeakMap<object, FailureNote>();

export function noteFailure(error: Error, note: FailureNote): void {
  notes.set(error, note);
}

export function noteOn(error: object): FailureNote | undefined {
  return notes.get(error);
}
