import { checkKeys, ownOptions, type EndpointId, type Pool } from '@fairlead/core';
import { createGateway, type Gateway, type GatewayHandle, type Ticket } from '@fairlead/gateway';
import { checkedTerms, type PoolTerms, type ProviderOptions } from './options.js';

/** A proxy as Playwright's `newContext({ proxy })` takes it, and Puppeteer's `page.authenticate`. */
export interface ContextProxy {
  readonly server: string;
  readonly username: string;
  readonly password: string;
}

/** A proxy for one context, and the hold on it. */
export interface PoolProxy {
  readonly proxy: ContextProxy;
  readonly ticket: Ticket;
  /** The context is closed: its exit is free. */
  release(): void;
}

/** A browser keeps idle connections open for minutes: they are not waited for. */
const DRAIN_MS = 500;

/** Proxies for the contexts of a browser: one gateway on loopback, one user name for each context. */
export class PoolProxyProvider {
  readonly pool: Pool;
  /** @internal What its gateway was given. */
  readonly gateway: NonNullable<ProviderOptions['gateway']>;
  readonly #gateway: Gateway;
  #listening: Promise<GatewayHandle> | undefined;
  #closed = false;

  constructor(pool: Pool, options: ProviderOptions = {}) {
    const own = ownOptions(options, 'options');
    checkKeys(own, ['gateway'], '');
    this.pool = pool;
    this.gateway = own.gateway ?? {};
    // Pages go to whatever port a site has; only tickets come in, and they are minted here.
    this.#gateway = createGateway({ ports: 'all', drainMs: DRAIN_MS, ...own.gateway, pool, anonymous: false });
    pool.on('closed', () => void this.close());
  }

  /** Where the browser finds it: what a browser that is launched with one proxy for all its contexts takes. */
  async server(): Promise<string> {
    return (await this.#handle()).url;
  }

  /** A proxy for one context. Its exit is taken at the context's first connection, and kept until `release`. */
  async proxy(terms: PoolTerms = {}): Promise<PoolProxy> {
    return this.proxyOn(checkedTerms(terms), undefined);
  }

  /** @internal The same with an exit that was chosen before: a strict context has that one or none. */
  async proxyOn(terms: PoolTerms, keeps: EndpointId | undefined): Promise<PoolProxy> {
    const server = await this.server();
    const ticket = this.#gateway.tickets.mint({ ...terms, ...(keeps && { keeps }), reports: true });
    return {
      proxy: { server, username: ticket.username, password: ticket.password },
      ticket,
      release: () => ticket.release(),
    };
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Ends the gateway: no context that uses it gets anywhere any more. The pool stays. */
  async close(): Promise<void> {
    this.#closed = true;
    await (await this.#listening)?.close();
  }

  #handle(): Promise<GatewayHandle> {
    if (this.#closed) return Promise.reject(new Error('the provider of these proxies is closed'));
    this.#listening ??= this.#gateway.listen().then((handle) => {
      handle.unref();
      return handle;
    });
    return this.#listening;
  }
}

const providers = new WeakMap<Pool, PoolProxyProvider>();

/** The provider of a pool; the same one each time, unless it has options. */
export function proxyFor(pool: Pool, options?: ProviderOptions): PoolProxyProvider {
  if (options !== undefined) return new PoolProxyProvider(pool, options);
  const known = providers.get(pool);
  if (known?.closed === false) return known;
  const made = new PoolProxyProvider(pool);
  providers.set(pool, made);
  return made;
}
