import type { Agent } from 'node:http';
import type { Socket } from 'node:net';
import { ConfigurationError, toEndpoint } from '@fairlead/core';
import { SocksProxyAgent as StockAgent, type SocksProxyAgentOptions } from 'socks-proxy-agent';
import { agentsFor } from './agents.js';
import { markTunnelling } from './carrier.js';
import type { Agents } from './lease-agents.js';

/**
 * For code that holds a `SocksProxyAgent`: the same class, one agent for both schemes, over the dialer. Failures are
 * `DialError`s, `timeout` bounds the whole dial and not the idle connection, and `proxyUrl` shows no credentials.
 */
export class SocksProxyAgent extends StockAgent {
  readonly #agents: Agents;

  constructor(uri: string | URL, options: SocksProxyAgentOptions = {}) {
    const url = String(uri).replace(/^socks:/i, 'socks5h:');
    const endpoint = toEndpoint(url, 'SocksProxyAgent');
    if (!endpoint.url.scheme.startsWith('socks'))
      throw new ConfigurationError('INVALID_OPTION', 'SocksProxyAgent', 'must be the URL of a SOCKS proxy');
    if (options.socketOptions !== undefined)
      throw new ConfigurationError('INVALID_OPTION', 'socketOptions', 'is not supported');
    // Without credentials, which the stock agent would keep and show.
    super(`${endpoint.url.scheme}://${endpoint.url.host}:${endpoint.url.port}`, options);
    const { timeout, maxSockets, maxFreeSockets, keepAlive = false } = options;
    this.#agents = agentsFor(endpoint, {
      keepAlive,
      // As agent-base has it, nought is none of its own.
      ...(timeout ? { timeoutMs: timeout } : {}),
      ...(maxSockets === undefined ? {} : { maxSockets }),
      ...(maxFreeSockets === undefined ? {} : { maxFreeSockets }),
    });
  }

  /** Hands the request on: agent-base, on which the stock agent stands, takes an agent for an answer. */
  override async connect(...[, { secureEndpoint }]: Parameters<StockAgent['connect']>): Promise<Socket> {
    const agent: Agent = secureEndpoint ? this.#agents.https : this.#agents.http;
    return agent as unknown as Socket;
  }

  override destroy(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
    super.destroy();
  }
}

markTunnelling(SocksProxyAgent);
