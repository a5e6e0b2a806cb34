import type { FailureOutcome } from '@fairlead/core';

/** What the dialer knows of an error, or of a request, that is Node's own. */
export type FailureNote = Pick<FailureOutcome, 'phase' | 'sent'>;

/** Beside it and not on it: it belongs to the library that throws it. */
const notes = new WeakMap<object, FailureNote>();

export function noteFailure(subject: object, note: FailureNote): void {
  notes.set(subject, note);
}

export function noteOn(subject: object): FailureNote | undefined {
  return notes.get(subject);
}

export function forgetNote(subject: object): void {
  notes.delete(subject);
}
