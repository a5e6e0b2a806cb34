import type { EndpointId, Outcome } from '@fairlead/core';
import type { Chance } from './chance.js';

export const TARGETS = ['calm.example', 'strict.example', 'flaky.example', 'paced.example', 'down.example'] as const;

/** What really happens out there: which proxies are dead, which targets refuse, and how far an attempt comes. */
export class World {
  readonly #chance: Chance;
  readonly #dead = new Map<EndpointId, boolean>();

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** An outcome of an attempt that begins now. */
  outcome(endpoint: EndpointId, target: string): Outcome {
    const chance = this.#chance;
    if (!this.#dead.has(endpoint) || chance.yes(0.05)) this.#dead.set(endpoint, chance.yes(0.35));
    const elapsedMs = chance.between(1, 3000);
    if (this.#dead.get(endpoint) === true) return this.#failure(elapsedMs);
    if (target === 'down.example' && chance.yes(0.7)) return this.#response(503, elapsedMs);
    if (target === 'strict.example' && chance.yes(0.15)) return this.#response(chance.of([429, 403, 403]), elapsedMs);
    if (target === 'flaky.example' && chance.yes(0.3)) return this.#cut(elapsedMs);
    return this.#response(chance.of([200, 200, 200, 204, 301, 404]), elapsedMs);
  }

  #failure(elapsedMs: number): Outcome {
    const phase = this.#chance.of(['proxy-connect', 'proxy-handshake', 'tunnel'] as const);
    const fault = phase === 'tunnel' ? 'unclear' : 'endpoint';
    return { kind: 'failure', phase, code: `AT_${phase}`, elapsedMs, sent: 'nothing', fault };
  }

  #cut(elapsedMs: number): Outcome {
    return { kind: 'failure', phase: 'response', code: 'ECONNRESET', elapsedMs, sent: 'maybe', fault: 'unclear' };
  }

  #response(status: number, latencyMs: number): Outcome {
    const asks = status === 429 && this.#chance.yes(0.5);
    const headers = { get: (name: string) => (asks && name === 'retry-after' ? '20' : undefined) };
    return { kind: 'response', status, latencyMs, headers };
  }
}
