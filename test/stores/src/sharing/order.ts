import type { WhenDown } from '@fairlead/redis';

/** What a worker process is told. */
export interface WorkerOrder {
  readonly port: number;
  readonly pool: string;
  readonly log: string;
  readonly endpoints: number;
  readonly limit: number;
  readonly paceMs: number;
  readonly callers: number;
  readonly whenDown: WhenDown;
  readonly leaseTtlMs: number;
}

export const ENDPOINTS = 16;
export const LIMIT = 4;
export const PACE_MS = 1_000;
/** Long enough for three renewals, short enough for a run. */
export const TTL_MS = 1_000;
/** A command that took longer was not believed: a place was given at most so long before it was written down. */
export const COMMAND_MS = 250;
