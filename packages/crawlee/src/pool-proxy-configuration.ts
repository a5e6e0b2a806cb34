import { randomUUID } from 'node:crypto';
import { ProxyConfiguration, type Request } from '@crawlee/core';
import type { Pool } from '@fairlead/core';
import { resolveOptions, type PoolProxyOptions } from './options.js';
import { PageDesk } from './page-desk.js';
import type { PoolProxyInfo } from './page.js';

/** What Crawlee 3 passes beside the session, and Crawlee 4 instead of it. */
export interface NewUrlOptions {
  readonly request?: Request;
}

/**
 * A pool as Crawlee knows proxies: each answer is a URL of a gateway on loopback whose user name stands for the session, so that
 * any client and any browser can use it, whatever kind the proxies are. `crawleePool` adds what a URL cannot: what pages came to.
 */
export class PoolProxyConfiguration extends ProxyConfiguration {
  /** @internal */
  readonly desk: PageDesk;

  constructor(pool: Pool, options: PoolProxyOptions = {}) {
    super();
    this.desk = new PageDesk(pool, resolveOptions(options));
  }

  /** The URL for a page, or for a session of Crawlee's. Never undefined, which would mean no proxy at all. */
  override async newUrl(session?: string | number | NewUrlOptions, options?: NewUrlOptions): Promise<string> {
    return (await this.newProxyInfo(session, options)).url;
  }

  /** The same with the exit it leads to. Crawlee 4 passes its options alone, once for each of its sessions. */
  override async newProxyInfo(
    session?: string | number | NewUrlOptions,
    options: NewUrlOptions = {},
  ): Promise<PoolProxyInfo> {
    if (typeof session === 'object') {
      // Workers that share their sessions by a store must not share this one.
      const page = await this.desk.open(`crawlee-${randomUUID()}`, session.request);
      return page.proxyInfo;
    }
    const page = await this.desk.open(session === undefined ? undefined : `${session}`, options.request);
    return page.proxyInfo;
  }

  /** Ends the gateway; the pool stays. The end of the pool does the same. */
  close(): Promise<void> {
    return this.desk.close();
  }
}
