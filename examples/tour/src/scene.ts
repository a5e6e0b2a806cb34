import type { ProxyInput } from '@fairlead/core';
import { shopRoutes, startFault, startHttpProxy, startSocksProxy, startTarget } from '@fairlead/lab';

/** What is crawled, and through which proxies. */
export interface Scene {
  readonly proxies: readonly ProxyInput[];
  /** What to call each proxy in the table, in the order of `proxies`; its id, where there is no name. */
  readonly labels: readonly string[];
  page(index: number): string;
  close(): Promise<void>;
}

/** A shop and six proxies on loopback; the last one refuses every connection. */
export async function labScene(): Promise<Scene> {
  const credentials = { user: 'tour', password: 'secret' };
  const shop = await startTarget({ routes: shopRoutes() });
  const http = await Promise.all([1, 2, 3].map((n) => startHttpProxy({ credentials, exit: `127.78.3.${n}` })));
  const socks = await Promise.all([4, 5].map((n) => startSocksProxy({ credentials, exit: `127.78.3.${n}` })));
  const dead = await startFault('http', 'refuse-tcp');
  const servers = [...http, ...socks, dead];
  return {
    proxies: servers.map(({ url }) => url),
    labels: [...http.map((_, n) => `http ${n + 1}`), ...socks.map((_, n) => `socks5 ${n + 4}`), 'http 6 (dead)'],
    page: (index) => `${shop.url}/item/${index + 1}`,
    close: async () => {
      await Promise.all([shop, ...servers].map((server) => server.close()));
    },
  };
}

/** The user's own list and page. */
export function ownScene({ proxies, url }: { readonly proxies: readonly ProxyInput[]; readonly url: string }): Scene {
  return { proxies, labels: [], page: () => url, close: () => Promise.resolve() };
}
