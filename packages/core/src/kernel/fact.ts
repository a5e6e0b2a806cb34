/** What policy makes of an attempt, in the terms the kernel learns in. The tables of the presets hold the same words. */
export interface Fact {
  /** `good`: the endpoint carried it. `bad`: it did not. `split`: it or the target. `none`: says nothing of the endpoint. */
  readonly health: 'good' | 'bad' | 'split' | 'none';
  /** What the target said: an answer that is wanted, a refusal, that it is broken, or nothing. */
  readonly answer: 'served' | 'throttled' | 'denied' | 'broken' | 'none';
  /** Silent past the instant at which its request got company, which was then answered: nearly all others answer sooner. */
  readonly overtaken?: boolean;
  /** Whether a refusal bars this endpoint from the target. The pace is learned either way. */
  readonly block: boolean;
  /** A refusal that stops the target for everybody, or may: it costs far more than its pair, and the pace is kept from it. */
  readonly grave?: boolean;
  /** The failure came before anything reached the target: connecting to the proxy, its handshake, its tunnel. */
  readonly connect: boolean;
  /** How long the attempt took, to the answer's head or to the failure. */
  readonly elapsedMs: number;
  /** How long the proxy took to be ready to carry it, where the adapter saw that apart. */
  readonly handshakeMs?: number | undefined;
  /** It was the first attempt of its run: those tell how good untried endpoints are. */
  readonly first: boolean;
  /** When the target wants the next attempt, if it said so. */
  readonly retryAfterMs?: number | undefined;
}
