import type { Readable } from 'node:stream';
import type { EndpointId, LeaseRequest, Pool, PoolInfo } from '@fairlead/core';

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

/** What the contract asks of a client as a whole. */
export interface ContractOptions {
  readonly ca: string;
  readonly own: { readonly headers?: (attempt: AttemptSeen) => Readonly<Record<string, string>> | undefined };
}

/** What a function for headers is told. */
export interface AttemptSeen {
  readonly endpoint: EndpointId;
  readonly session: string | undefined;
  readonly target: string;
  readonly tried: number;
}

export interface AdapterContract {
  readonly name: string;
  /** A client whose every request goes through the pool and that trusts `ca` at targets; `headers` is the adapter's option. */
  makeClient(pool: Pool, options: ContractOptions): ContractClient;
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
