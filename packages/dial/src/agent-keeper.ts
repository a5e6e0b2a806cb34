import type { Endpoint, EndpointId } from '@fairlead/core';

interface Kept<T> {
  readonly agents: T;
  readonly endpoint: Endpoint;
  readonly key: string;
  usedAt: number;
}

/** Agents by endpoint and reuse key; beyond a bound the ones unused for longest go. */
export class AgentKeeper<T> {
  readonly #kept = new Map<EndpointId, Map<string, Kept<T>>>();
  readonly #max: number;
  readonly #make: (endpoint: Endpoint, key: string) => T;
  readonly #letGo: (agents: T) => void;
  #size = 0;
  /** Counts uses. Looking for the oldest is rare; keeping them in order would cost every request. */
  #uses = 0;

  constructor(max: number, make: (endpoint: Endpoint, key: string) => T, letGo: (agents: T) => void) {
    this.#max = max;
    this.#make = make;
    this.#letGo = letGo;
  }

  get size(): number {
    return this.#size;
  }

  /** The agents kept under that key, made where there are none. */
  get(endpoint: Endpoint, key: string): T {
    const found = this.#kept.get(endpoint.id)?.get(key);
    const kept = found !== undefined && logsInAs(found.endpoint, endpoint) ? found : this.#add(endpoint, key);
    kept.usedAt = this.#uses += 1;
    if (this.#size > this.#max) this.#drop(this.#oldest());
    return kept.agents;
  }

  /** The endpoint has left. */
  retire(endpoint: EndpointId): void {
    for (const kept of this.#kept.get(endpoint)?.values() ?? []) this.#drop(kept);
  }

  close(): void {
    for (const endpoint of this.#kept.keys()) this.retire(endpoint);
  }

  #add(endpoint: Endpoint, key: string): Kept<T> {
    // An id does not tell of the password: agents that an old one made would have its refusal charged to the new.
    this.#drop(this.#kept.get(endpoint.id)?.get(key));
    const added: Kept<T> = { agents: this.#make(endpoint, key), endpoint, key, usedAt: 0 };
    const ofEndpoint = this.#kept.get(endpoint.id) ?? new Map<string, Kept<T>>();
    this.#kept.set(endpoint.id, ofEndpoint.set(key, added));
    this.#size += 1;
    return added;
  }

  #oldest(): Kept<T> | undefined {
    let oldest: Kept<T> | undefined;
    for (const ofEndpoint of this.#kept.values()) {
      for (const kept of ofEndpoint.values()) if (kept.usedAt < (oldest?.usedAt ?? Infinity)) oldest = kept;
    }
    return oldest;
  }

  #drop(kept: Kept<T> | undefined): void {
    if (kept === undefined) return;
    const { endpoint, key } = kept;
    const ofEndpoint = this.#kept.get(endpoint.id);
    ofEndpoint?.delete(key);
    if (ofEndpoint?.size === 0) this.#kept.delete(endpoint.id);
    this.#size -= 1;
    this.#letGo(kept.agents);
  }
}

function logsInAs(one: Endpoint, other: Endpoint): boolean {
  return one === other || one.url.credentials()?.password === other.url.credentials()?.password;
}
