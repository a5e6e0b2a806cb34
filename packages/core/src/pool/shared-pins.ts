import type { Row } from '../kernel/table.js';
import type { Instant } from '../ports/clock.js';
import type { Ledger } from '../ports/ledger.js';
import type { SharedAdmitRequest, SharedPin } from '../ports/shared-ledger.js';
import type { RecordsLink } from './records-link.js';
import { UNNAMED } from './sharing-ledger.js';

/** What this worker takes the sessions of a shared store to keep: copies of pins, by the generations that the store gave them. */
export class SharedPins {
  /** For what the store told: it is not to be told again. */
  readonly #heard: Ledger;
  /** The ledger whose changes are told. */
  readonly #ledger: Ledger;
  readonly #link: RecordsLink;

  constructor(heard: Ledger, ledger: Ledger, link: RecordsLink) {
    this.#heard = heard;
    this.#ledger = ledger;
    this.#link = link;
  }

  /** The generation of the session's pin, where the store has named it. */
  generationOf(session: string | undefined, now: Instant): number | undefined {
    const pin = session === undefined ? undefined : this.#heard.pinOf(session, now);
    return pin?.generation === UNNAMED ? undefined : pin?.generation;
  }

  /** The store has granted the session's pin a use, or has told of it. */
  mirror(
    session: string,
    row: Row,
    { generation, uses }: { readonly generation: number; readonly uses: 'new' | 'kept' | 'none' },
    terms: SharedAdmitRequest['pin'],
    now: Instant,
  ): void {
    const known = this.#heard.pinOf(session, now);
    const same = known !== undefined && known.generation === generation;
    const endsAt = same ? known.endsAt : now + terms.maxMs;
    const before = same ? known.usesLeft : terms.maxUses;
    // How often others have used a pin that is seen for the first time is not known.
    const usesLeft = same || uses === 'new' ? before - (uses === 'none' ? 0 : 1) : before;
    this.#ledger.restorePin(session, row, { expiresAt: now + terms.ttlMs, endsAt, usesLeft, generation });
  }

  /** The store has given a binding by hand its generation. */
  named(session: string, key: string, generation: number, now: Instant): void {
    const pin = this.#heard.pinOf(session, now);
    if (pin?.generation !== UNNAMED || pin.row !== this.#link.rowOf(key)) return;
    // Told again: others may have asked of it before it was there.
    this.#ledger.restorePin(session, pin.row, { ...pin, generation });
  }

  /** Somebody has ended the pin; this one alone, should the session have another by now. */
  ended(session: string, generation: number | undefined): void {
    this.#heard.unpin(session, generation);
  }

  /** All of them, for a store that has lost its data. */
  *all(now: Instant): Generator<SharedPin> {
    for (const session of this.#heard.sessions.keys()) {
      const pin = this.#heard.pinOf(session, now);
      const key = pin === undefined ? undefined : this.#link.keyOf(pin.row);
      if (pin === undefined || key === undefined) continue;
      const { generation, usesLeft } = pin;
      yield { session, key, generation, idleMs: pin.expiresAt - now, endMs: pin.endsAt - now, usesLeft };
    }
  }
}
