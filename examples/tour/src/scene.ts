import { startFault, startHttpProxy, startTarget } from '@fairlead/lab';

/** A shop and six proxies on loopback; the last proxy refuses every connection. */
export interface Scene {
  readonly proxies: readonly string[];
  /** What to call each proxy in the table, in the order of `proxies`. */
  readonly labels: readonly string[];
  page(index: number): string;
  close(): Promise<void>;
}

export async function startScene(): Promise<Scene> {
  const shop = await startTarget();
  const working = await Promise.all(
    Array.from({ length: 5 }, () => startHttpProxy({ credentials: { user: 'tour', password: 'secret' } })),
  );
  const dead = await startFault('http', 'refuse-tcp');
  const servers = [shop, ...working, dead];
  return {
    proxies: [...working, dead].map(({ url }) => url),
    labels: [...working.map((_, index) => `proxy ${index + 1}`), 'proxy 6 (dead)'],
    page: (index) => `${shop.url}/status/200?page=${index}`,
    close: async () => {
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}
