import type { Readable } from 'node:stream';
import type { LeaseRequest, Pool, PoolInfo } from '@fairlead/core';

/** What the contract asks a client to send. */
export interface ContractRequest {
  readonly url: string;
  readonly method?: string;
  readonly body?: string | Readable;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** The library's own timeout. */
  readonly timeoutMs?: number;
  readonly pool?: Omit<LeaseRequest, 'target' | 'method' | 'signal'>;
}

/** What came back, whatever its status. */
export interface ContractAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** What `poolInfo` takes: the library's own response. */
  readonly subject: object;
}

export interface ContractClient {
  /** Resolves with every answer, read to its end; rejects with the library's own error. */
  send(request: ContractRequest): Promise<ContractAnswer & { readonly body: string }>;
  /** Resolves at the head of the answer; the contract reads the rest, or drops it. */
  stream(request: ContractRequest): Promise<ContractAnswer & { readonly body: Readable }>;
}

export interface AdapterContract {
  readonly name: string;
  /** A client whose every request goes through the pool and that trusts `ca` at targets. */
  makeClient(pool: Pool, options: { readonly ca: string }): ContractClient;
  /**
   * `same-lease`: a redirect on one host goes on under its lease. `new-lease`: the library sends it as a request of its own.
   * `none`: it follows none.
   */
  readonly redirects: 'same-lease' | 'new-lease' | 'none';
  /** The adapter's own, where it is more than the core's. */
  readonly poolInfo?: (responseOrError: unknown) => PoolInfo | undefined;
  /** True where the library makes an error of a target's 407, as fetch has to. @default false */
  readonly hides407?: boolean;
  /** True where the library sends one request at a time, so that it can neither hedge nor race. @default false */
  readonly alone?: boolean;
  /**
   * A script for Node that is given a proxy's URL and a page's, fetches the page, closes its pool and ends by itself. Code that
   * is built: it runs in a process of its own.
   */
  readonly program: string;
}
