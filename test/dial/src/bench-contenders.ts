import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { toEndpoint } from '@fairlead/core';
import { createAgentCache, undiciConnector } from '@fairlead/dial';
import { create } from 'axios';
import { got } from 'got';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { SocksProxyAgent } from 'socks-proxy-agent';
import { Agent, ProxyAgent, request, type Dispatcher } from 'undici';
import type { Rival } from './bench-figures.js';
import type { ClientName } from './clients.js';

/** One way to send all the requests of a round. */
export interface Contender {
  send(): Promise<void>;
  close(): Promise<void>;
}

type Make = (proxyUrl: string, targetUrl: string) => Contender;

/** Each library with the dialer, with the stock agent kept, and with a stock agent for each request. */
export const CONTENDERS: Record<ClientName, Record<Rival, Make>> = {
  axios: overAgents(axiosSend),
  got: overAgents(gotSend),
  undici: {
    ours: (proxy, target) =>
      overDispatcher(new Agent({ ...LIMIT, connect: undiciConnector(toEndpoint(proxy, 'the bench')) }), target),
    cached: (proxy, target) => overDispatcher(stockDispatcher(proxy), target),
    fresh: (proxy, target) => ({
      send: async () => {
        const dispatcher = stockDispatcher(proxy);
        await undiciSend(dispatcher, target);
        await dispatcher.destroy();
      },
      close: async () => {},
    }),
    direct: (_, target) => overDispatcher(new Agent(LIMIT), target),
  },
};

type Send = (url: string, http: HttpAgent, https: HttpsAgent) => Promise<unknown>;

function overAgents(sending: () => Send): Record<Rival, Make> {
  return {
    ours: (proxy, target) => {
      const send = sending();
      const cache = createAgentCache({ reuse: 'endpoint' });
      const endpoint = toEndpoint(proxy, 'the bench');
      return {
        send: async () => {
          const lease = cache.lease(endpoint);
          await send(target, lease.http, lease.https);
          lease.close();
        },
        close: async () => cache.close(),
      };
    },
    cached: (proxy, target) => {
      const send = sending();
      const agent = stockAgent(proxy, true);
      return { send: async () => void (await send(target, agent, agent)), close: async () => agent.destroy() };
    },
    fresh: (proxy, target) => {
      const send = sending();
      return {
        send: async () => {
          const agent = stockAgent(proxy, false);
          await send(target, agent, agent);
          agent.destroy();
        },
        close: async () => {},
      };
    },
    direct: (_, target) => {
      const send = sending();
      const [http, https] = [new HttpAgent({ keepAlive: true }), new HttpsAgent({ keepAlive: true })];
      return { send: async () => void (await send(target, http, https)), close: async () => https.destroy() };
    },
  };
}

function axiosSend(): Send {
  const instance = create({ proxy: false });
  return (url, httpAgent, httpsAgent) => instance.get(url, { httpAgent, httpsAgent });
}

function gotSend(): Send {
  const instance = got.extend({ retry: { limit: 0 } });
  return (url, http, https) => instance.get(url, { agent: { http, https } });
}

/** As agent-base's declarations have it, which know neither of Node's two classes. */
function stockAgent(proxy: string, keepAlive: boolean): HttpsAgent {
  const agent = proxy.startsWith('socks')
    ? new SocksProxyAgent(proxy, { keepAlive })
    : new HttpsProxyAgent(proxy, { keepAlive });
  return agent as unknown as HttpsAgent;
}

/** Without a limit undici opens twice the connections that the bench has requests in flight. */
const LIMIT = { connections: 32 };

function stockDispatcher(proxy: string): Dispatcher {
  return new ProxyAgent({ ...LIMIT, uri: proxy.replace('socks5h:', 'socks5:') });
}

function overDispatcher(dispatcher: Dispatcher, target: string): Contender {
  return { send: () => undiciSend(dispatcher, target), close: () => dispatcher.destroy() };
}

async function undiciSend(dispatcher: Dispatcher, url: string): Promise<void> {
  const { body } = await request(url, { dispatcher });
  await body.text();
}
