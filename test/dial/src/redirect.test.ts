import { toEndpoint } from '@fairlead/core';
import { agentsFor, undiciConnector } from '@fairlead/dial';
import { certificates, startHttpProxy, startTarget, type ProxyServer, type Target } from '@fairlead/lab';
import { create } from 'axios';
import { got } from 'got';
import { Agent, interceptors, request } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CANARY } from './credential-hunt.js';

const tls = { ca: certificates().ca };

/** Each follows redirects as its library does, and answers with the last status. */
const FOLLOWERS: Record<string, (proxyUrl: string, url: string) => Promise<number>> = {
  axios: async (proxyUrl, url) => {
    const { http, https } = agentsFor(toEndpoint(proxyUrl, 'the test'), { tls, keepAlive: false });
    return (await create({ proxy: false, httpAgent: http, httpsAgent: https }).get(url)).status;
  },
  got: async (proxyUrl, url) => {
    const agent = agentsFor(toEndpoint(proxyUrl, 'the test'), { tls, keepAlive: false });
    return (await got(url, { agent: { ...agent }, retry: { limit: 0 } })).statusCode;
  },
  undici: async (proxyUrl, url) => {
    const agent = new Agent({ connect: undiciConnector(toEndpoint(proxyUrl, 'the test'), { tls }) });
    const dispatcher = agent.compose(interceptors.redirect({ maxRedirections: 3 }));
    const { statusCode, body } = await request(url, { dispatcher });
    await body.dump();
    await agent.close();
    return statusCode;
  },
};

let targets: Record<'http' | 'https' | 'other http' | 'other https', Target>;
let tunnelling: ProxyServer;
let refusing: ProxyServer;
beforeAll(async () => {
  targets = {
    http: await startTarget(),
    https: await startTarget({ certificate: 'good' }),
    'other http': await startTarget(),
    'other https': await startTarget({ certificate: 'good' }),
  };
  tunnelling = await startHttpProxy({ credentials: CANARY });
  const ports = [targets.http.port, targets['other http'].port];
  refusing = await startHttpProxy({ credentials: CANARY, refuseConnect: { status: 403, ports } });
});
afterAll(async () => {
  for (const server of [tunnelling, refusing, ...Object.values(targets)]) await server.close();
});
beforeEach(() => {
  for (const { requests } of Object.values(targets)) (requests as unknown[]).length = 0;
});

const KINDS = ['http', 'https'] as const;

describe.each(Object.keys(FOLLOWERS))('%s', (library) => {
  for (const from of KINDS) {
    for (const to of KINDS) {
      for (const form of library === 'undici' ? ['tunnel'] : ['tunnel', 'absolute']) {
        test(`${from} to ${to} by ${form}: every hop goes through the proxy, no target sees its credentials`, async () => {
          const proxy = form === 'tunnel' ? tunnelling : refusing;
          const last = targets[`other ${to}`];
          const url = `${targets[from].url}/redirect?to=${encodeURIComponent(`${last.url}/status/200`)}`;
          const before = proxy.requests.length;
          expect(await FOLLOWERS[library]!(proxy.url, url)).toBe(200);
          const asked = proxy.requests.slice(before).map(({ port }) => port);
          expect(new Set(asked)).toEqual(new Set([targets[from].port, last.port]));
          const seen = [...targets[from].requests, ...last.requests];
          expect(seen).toHaveLength(2);
          for (const { headers } of seen) expect(headers).not.toHaveProperty('proxy-authorization');
        });
      }
    }
  }
});
