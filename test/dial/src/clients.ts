import { certificates } from '@fairlead/lab';
import type { Endpoint } from '@fairlead/core';
import { agentsFor, undiciConnector, type DialSettings } from '@fairlead/dial';
import { create } from 'axios';
import got from 'got';
import { Agent, request } from 'undici';

export const CLIENT_NAMES = ['axios', 'got', 'undici'] as const;
export type ClientName = (typeof CLIENT_NAMES)[number];

export interface ClientSettings extends DialSettings {
  /** The library's own timeout: what ends a hang that the dialer no longer sees. */
  readonly requestMs: number;
  readonly signal?: AbortSignal;
}

/** One library over the dialer: sends a GET, reads the whole body, answers with the status. */
export interface Client {
  get(url: string): Promise<number>;
  /** Whether an error came when the answer had begun, where the library's errors do not tell. */
  readonly inBody: WeakSet<object>;
  close(): Promise<void>;
}

export function client(name: ClientName, endpoint: Endpoint, settings: ClientSettings): Client {
  return CLIENTS[name](endpoint, settings);
}

type Make = (endpoint: Endpoint, settings: ClientSettings) => Client;

const CLIENTS: Record<ClientName, Make> = {
  axios: (endpoint, { requestMs, signal, ...dial }) => {
    const { http, https } = agentsFor(endpoint, { ...dial, tls: trust() });
    const instance = create({
      proxy: false,
      httpAgent: http,
      httpsAgent: https,
      timeout: requestMs,
      validateStatus: () => true,
      ...(signal && { signal }),
    });
    return {
      inBody: new WeakSet(),
      get: async (url) => (await instance.get(url)).status,
      close: async () => destroy(http, https),
    };
  },
  got: (endpoint, { requestMs, signal, ...dial }) => {
    const { http, https } = agentsFor(endpoint, { ...dial, tls: trust() });
    const instance = got.extend({
      agent: { http, https },
      timeout: { request: requestMs },
      retry: { limit: 0 },
      throwHttpErrors: false,
      ...(signal && { signal }),
    });
    return {
      inBody: new WeakSet(),
      get: async (url) => (await instance.get(url)).statusCode,
      close: async () => destroy(http, https),
    };
  },
  undici: (endpoint, { requestMs, signal, ...dial }) => {
    const dispatcher = new Agent({
      connect: undiciConnector(endpoint, { ...dial, ...(signal && { signal }), tls: trust() }),
      headersTimeout: requestMs,
      bodyTimeout: requestMs,
    });
    const inBody = new WeakSet();
    const get = async (url: string) => {
      const { statusCode, body } = await request(url, { dispatcher, ...(signal && { signal }) });
      await body.arrayBuffer().catch((error: Error) => {
        inBody.add(error);
        throw error;
      });
      return statusCode;
    };
    return { get, inBody, close: () => dispatcher.destroy() };
  },
};

function trust(): { ca: string } {
  return { ca: certificates().ca };
}

function destroy(...agents: readonly { destroy(): void }[]): void {
  for (const agent of agents) agent.destroy();
}
