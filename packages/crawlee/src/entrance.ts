import type { Pool } from '@fairlead/core';
import { createGateway, type Gateway, type GatewayHandle, type Ticket, type TicketRequest } from '@fairlead/gateway';
import type { ResolvedOptions } from './options.js';

/** A client keeps idle connections open for a while: they are not waited for. */
const DRAIN_MS = 500;

/** The gateway that pages go through. It listens from the first page of a crawl to the end of the last one. */
export class Entrance {
  readonly #make: () => Gateway;
  #gateway: Gateway | undefined;
  #listening: Promise<GatewayHandle> | undefined;

  constructor(pool: Pool, options: ResolvedOptions['gateway']) {
    // Crawlers go to whatever port a site has; only tickets come in, and they are minted here.
    this.#make = () => createGateway({ ports: 'all', drainMs: DRAIN_MS, ...options, pool, anonymous: false });
    // A mistake in its options is found where they were written.
    this.#gateway = this.#make();
  }

  /** Where clients find it. */
  async url(): Promise<string> {
    this.#listening ??= this.#open().listen();
    const handle = await this.#listening;
    // A crawl that is over keeps no process alive.
    handle.unref();
    return handle.url;
  }

  mint(request: TicketRequest): Ticket {
    return this.#open().tickets.mint(request);
  }

  /** Ends it with all its tickets; the next page opens another. */
  async close(): Promise<void> {
    const listening = this.#listening;
    if (listening === undefined) return;
    this.#listening = undefined;
    this.#gateway = undefined;
    await (await listening).close();
  }

  #open(): Gateway {
    this.#gateway ??= this.#make();
    return this.#gateway;
  }
}
