import http from 'node:http';
import https from 'node:https';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { ConfigurationError } from '@fairlead/core';
import { createAgentCache, type AgentCache, type Agents } from '@fairlead/dial';
import { AccessLog, type AccessTotals } from './access-log.js';
import { Accounts } from './accounts.js';
import { Admission } from './admission.js';
import { ConnectionGate } from './connection-gate.js';
import { directRules } from './direct-rules.js';
import { Doorman } from './doorman.js';
import { createFront } from './http-server.js';
import { resolveOptions, type GatewayOptions, type ResolvedOptions } from './options.js';
import { PrivateNetworks } from './private-networks.js';
import { RequestFront } from './request-front.js';
import { SessionBook } from './session-book.js';
import { Switchboard } from './switchboard.js';
import { TicketBook, type Tickets } from './ticket-book.js';
import { TunnelFront } from './tunnel-front.js';

export interface ListenOptions {
  /** @default 0, any that is free */
  readonly port?: number;
  /** An address beyond loopback needs `users` or `keys`. @default '127.0.0.1' */
  readonly host?: string;
}

/** A picture of a gateway. */
export interface GatewayStats extends AccessTotals {
  readonly connections: number;
  readonly tunnels: number;
  readonly tickets: number;
  /** Requests and tunnels under way. */
  readonly open: number;
}

/** A gateway that listens. */
export interface GatewayHandle {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** From now on it keeps no process alive by itself. */
  unref(): void;
  /** Accepts nobody more, waits for what is under way as long as `drainMs` says, and ends the rest. */
  close(): Promise<void>;
}

/** Makes a gateway over a pool. It listens to nobody yet; tickets can be minted already. */
export function createGateway(options: GatewayOptions): Gateway {
  return new Gateway(resolveOptions(options));
}

const LOOPBACK = /^(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|localhost)$/;

/** A forward proxy over a pool. */
export class Gateway {
  readonly #options: ResolvedOptions;
  readonly #tickets: TicketBook;
  readonly #sessions: SessionBook;
  readonly #log: AccessLog;
  readonly #gate: ConnectionGate;
  readonly #agents: AgentCache;
  readonly #direct: Agents;
  readonly #tunnels: TunnelFront;
  readonly #server: Server;
  readonly #doorman: Doorman;
  #listening: AddressInfo | undefined;

  /** @internal */
  constructor(options: ResolvedOptions) {
    const { pool, rest, idleMs, reportDueMs, connectTimeoutMs } = options;
    this.#options = options;
    this.#tickets = new TicketBook({ pool, idleMs, reportDueMs }, options.maxTickets);
    this.#sessions = new SessionBook(pool, idleMs);
    this.#log = new AccessLog(rest.onAccess);
    this.#gate = new ConnectionGate(options);
    const networks = new PrivateNetworks(rest.allowPrivate ?? [], rest.resolve);
    const isDirect = directRules(rest);
    const { lookup } = networks;
    const settings = { ...rest.dial, targetLookup: lookup as never };
    this.#agents = createAgentCache({ ...settings, timeoutMs: connectTimeoutMs, ...(rest.tls && { tls: rest.tls }) });
    this.#direct = directAgents(lookup, rest);
    pool.on('removed', ({ endpoint }) => this.#agents.retire(endpoint.id));
    pool.on('closed', () => this.#agents.close());
    const accounts = new Accounts(options.users, options.keys);
    this.#doorman = new Doorman({
      accounts,
      tickets: this.#tickets,
      anonymous: options.anonymous,
      now: () => performance.now(),
    });
    const admission = new Admission(networks, options.mayTunnelTo);
    const shared = { doorman: this.#doorman, admission, log: this.#log };
    const switchboard = new Switchboard({ sessions: this.#sessions, settings, connectTimeoutMs, isDirect, lookup });
    this.#tunnels = new TunnelFront({ ...shared, switchboard, idleMs });
    const carriers = { agents: this.#agents, direct: this.#direct };
    const requests = new RequestFront({ ...shared, pool, carriers, limits: options, isDirect });
    this.#server = createFront({ ...options, gate: this.#gate, requests, tunnels: this.#tunnels });
  }

  /** Credentials for code of this process. */
  get tickets(): Tickets {
    return this.#tickets;
  }

  /** A picture of now. */
  stats(): GatewayStats {
    return {
      ...this.#log.totals,
      open: this.#log.open,
      connections: this.#gate.size,
      tunnels: this.#tunnels.size,
      tickets: this.#tickets.size,
    };
  }

  async listen({ port = 0, host = '127.0.0.1' }: ListenOptions = {}): Promise<GatewayHandle> {
    if (this.#listening !== undefined) throw problem('listen', 'was called before: a gateway listens once');
    if (this.#options.anonymous && !LOOPBACK.test(host)) {
      throw problem('host', `${host} is open to others: it needs users or keys, and no anonymous clients`);
    }
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    const address = this.#server.address() as AddressInfo;
    this.#listening = address;
    const shown = host.includes(':') ? `[${host}]` : host;
    const unref = (): void => void this.#server.unref();
    return { url: `http://${shown}:${address.port}`, host, port: address.port, unref, close: () => this.#close() };
  }

  async #close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeIdleConnections();
    const { drainMs } = this.#options;
    const timer = setTimeout(() => this.#gate.destroyAll(), drainMs);
    await closed;
    clearTimeout(timer);
    this.#tunnels.closeAll();
    this.#tickets.releaseAll();
    this.#sessions.releaseAll();
    this.#agents.close();
    this.#direct.http.destroy();
    this.#direct.https.destroy();
  }
}

function directAgents(lookup: unknown, { tls }: GatewayOptions): Agents {
  const options = { keepAlive: true, scheduling: 'lifo', lookup } as http.AgentOptions;
  return { http: new http.Agent(options), https: new https.Agent({ ...options, ...tls }) };
}

function problem(item: string, text: string): ConfigurationError {
  return new ConfigurationError('INVALID_OPTION', item, text);
}
