import type { HeaderView, ResponseOutcome } from '@fairlead/core';

/** Headers by lower-case name, as Node's parser, axios and undici hand them out. */
export type PlainHeaders = Readonly<Record<string, unknown>>;

/** What an adapter saw of an answer. */
export interface Answer {
  readonly status: number;
  readonly headers: PlainHeaders;
  readonly latencyMs: number;
  readonly via?: ResponseOutcome['via'];
  readonly bodyPrefix?: Uint8Array | undefined;
}

/** The answer as an outcome. Headers are read when somebody asks for one. */
export function answered({ status, headers, latencyMs, via, bodyPrefix }: Answer): ResponseOutcome {
  const view = new LazyHeaders(headers);
  if (bodyPrefix !== undefined) {
    return { kind: 'response', status, latencyMs, headers: view, ...(via && { via }), bodyPrefix };
  }
  if (via !== undefined) return { kind: 'response', status, latencyMs, headers: view, via };
  return { kind: 'response', status, latencyMs, headers: view };
}

class LazyHeaders implements HeaderView {
  readonly #headers: PlainHeaders;

  constructor(headers: PlainHeaders) {
    this.#headers = headers;
  }

  get(name: string): string | undefined {
    const value = this.#headers[name];
    return value == null ? undefined : String(value);
  }
}
