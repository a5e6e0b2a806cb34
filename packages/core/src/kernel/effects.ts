/**
 * What the kernel did on its own, for events and counters. `row` and `target` are -1 where they do not apply; `until` is
 * the instant the effect lasts to, or the number it is about.
 */
export type EffectKind =
  /** An endpoint rests until `until`. */
  | 'cooled'
  /** A cooldown ran out, was cut short because nothing else was left, or was ended in a panic: the row is on trial. */
  | 'released'
  | 'released-early'
  | 'panicked'
  /** A trial succeeded. */
  | 'activated'
  /** Nothing but failures: the row is held until the pool resumes it. */
  | 'evicted'
  /** The pair is barred until `until`. */
  | 'blocked'
  /** The target's breaker opened, its next probe is at `until`; or it closed. */
  | 'breaker-opened'
  | 'breaker-closed'
  /** The target is paced at `until` milliseconds between uses of one endpoint; 0 is no pace. */
  | 'paced';

/** Called in the middle of the kernel's own work: it may note and must not call the kernel. */
export type OnEffect = (kind: EffectKind, row: number, target: number, until: number) => void;
