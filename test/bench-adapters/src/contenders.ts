import { withPool } from '@fairlead/axios';
import { createPool, type PoolOptions } from '@fairlead/core';
import { gotPool } from '@fairlead/got';
import { poolDispatcher } from '@fairlead/undici';
import axios from 'axios';
import got from 'got';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { ProxyAgent, request } from 'undici';

export const CLIENTS = ['axios', 'got', 'undici'] as const;
export type ClientName = (typeof CLIENTS)[number];

export interface Contender {
  /** Fetches the page and reads it; rejects when the caller would see a failure. */
  get(url: string): Promise<void>;
  close(): Promise<void>;
}

export interface Terms {
  readonly proxies: readonly string[];
  readonly ca: string;
  readonly timeoutMs?: number;
  readonly policy?: PoolOptions['policy'];
}

/** The same client over a pool. */
export function ours(name: ClientName, { proxies, ca, timeoutMs, policy = 'respectful' }: Terms): Contender {
  const pool = createPool({ proxies, policy });
  const terms = timeoutMs === undefined ? {} : { attemptTimeoutMs: timeoutMs };
  const get = {
    axios: () => {
      const http = withPool(axios.create({ responseType: 'arraybuffer' }), pool, { tls: { ca } });
      return async (url: string) => void (await http.get(url, { pool: terms }));
    },
    got: () => {
      const client = got.extend(gotPool(pool, { tls: { ca } }), { responseType: 'buffer' });
      return async (url: string) => void (await client(url, { context: { pool: terms } }));
    },
    undici: () => {
      const dispatcher = poolDispatcher(pool, { tls: { ca } });
      return async (url: string) => {
        const { body, statusCode } = await request(url, { dispatcher, pool: terms } as Parameters<
          typeof request
        >[1] & {});
        await body.arrayBuffer();
        if (statusCode !== 200) throw new Error(String(statusCode));
      };
    },
  }[name]();
  return { get, close: () => pool.close() };
}

/** The bare client, which takes one hand-made, cached stock agent after another. */
export function roundRobin(name: ClientName, terms: Terms): Contender {
  const { get, close } = bare(name, terms);
  // By hand: no timeout of these clients is heard while a stock agent is still connecting.
  return { get: (url) => withDeadline(get(url), terms.timeoutMs), close };
}

function withDeadline(request: Promise<void>, timeoutMs: number | undefined): Promise<void> {
  if (timeoutMs === undefined) return request;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('late')), timeoutMs);
    request.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** https-proxy-agent takes no `ca` for the target. */
class TrustingAgent extends HttpsProxyAgent<string> {
  readonly #ca: string;

  constructor(proxy: string, ca: string) {
    super(proxy, { keepAlive: true, scheduling: 'lifo' });
    this.#ca = ca;
  }

  override connect(...[request, options]: Parameters<HttpsProxyAgent<string>['connect']>) {
    return super.connect(request, { ...options, ca: this.#ca } as typeof options);
  }
}

function bare(name: ClientName, { proxies, ca }: Terms): Contender {
  let turn = 0;
  const next = <T>(all: readonly T[]): T => all[(turn += 1) % all.length]!;
  if (name === 'undici') {
    const agents = proxies.map((uri) => new ProxyAgent({ uri, requestTls: { ca } }));
    return {
      get: async (url) => {
        const { body, statusCode } = await request(url, { dispatcher: next(agents) });
        await body.arrayBuffer();
        if (statusCode !== 200) throw new Error(String(statusCode));
      },
      close: async () => void (await Promise.all(agents.map((agent) => agent.destroy()))),
    };
  }
  const agents = proxies.map((proxy) => new TrustingAgent(proxy, ca));
  const close = async () => agents.forEach((agent) => agent.destroy());
  if (name === 'axios') {
    const http = axios.create({ responseType: 'arraybuffer', proxy: false });
    return { get: async (url) => void (await http.get(url, { httpsAgent: next(agents) })), close };
  }
  const client = got.extend({ responseType: 'buffer', retry: { limit: 0 } });
  return { get: async (url) => void (await client(url, { agent: { https: next(agents) } })), close };
}
