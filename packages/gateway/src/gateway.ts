import type { Server } from 'node:http';
import type { AddressInfo, Server as TcpServer } from 'node:net';
import { once } from 'node:events';
import { ConfigurationError } from '@fairlead/core';
import { createAgentCache, type AgentCache, type Agents } from '@fairlead/dial';
import { AccessLog, type AccessTotals } from './access-log.js';
import { Accounts } from './accounts.js';
import { Admission } from './admission.js';
import { ConnectionGate } from './connection-gate.js';
import { directAgents, type DirectAgents } from './direct.js';
import { directRules } from './direct-rules.js';
import { Doorman } from './doorman.js';
import { Hearsay } from './hearsay.js';
import { createFront } from './http-server.js';
import {
  resolveListen,
  resolveOptions,
  type GatewayOptions,
  type ListenOptions,
  type ResolvedOptions,
} from './options.js';
import { PrivateNetworks } from './private-networks.js';
import { RequestFront } from './request-front.js';
import { SessionBook } from './session-book.js';
import { createSocksFront } from './socks-front.js';
import { Switchboard } from './switchboard.js';
import { TicketBook, type Tickets } from './ticket-book.js';
import { TunnelFront } from './tunnel-front.js';

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
  /** Where it speaks SOCKS5, if it does. */
  readonly socksUrl: string | undefined;
  /** From now on it keeps no process alive by itself. */
  unref(): void;
  /** Accepts nobody more, waits for what is under way as long as `drainMs` says, and ends the rest. */
  close(): Promise<void>;
}

/** Makes a gateway over a pool. It listens to nobody yet; tickets can be minted already. */
export function createGateway(options: GatewayOptions): Gateway {
  return new Gateway(resolveOptions(options));
}

const SWEEP_MS = 100;
const LOOPBACK = /^(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|localhost)$/;

/** A forward proxy over a pool. */
export class Gateway {
  readonly #options: ResolvedOptions;
  readonly #tickets: TicketBook;
  readonly #sessions: SessionBook;
  readonly #log: AccessLog;
  readonly #gate: ConnectionGate;
  readonly #agents: AgentCache;
  readonly #direct: DirectAgents;
  readonly #tunnels: TunnelFront;
  readonly #requests: RequestFront;
  readonly #server: Server;
  readonly #socks: TcpServer;
  /** A pool may outlive many gateways. */
  readonly #offs: readonly (() => void)[];
  #listening = false;
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(options: ResolvedOptions) {
    const { pool, rest, idleMs, reportDueMs, connectTimeoutMs } = options;
    this.#options = options;
    // A tunnel that falls idle ends by itself before its tenancy does.
    const terms = Object.freeze({ idleMs: idleMs + 5000 });
    this.#tickets = new TicketBook({ pool, terms, reportDueMs }, options.maxTickets);
    this.#sessions = new SessionBook(pool, terms);
    this.#log = new AccessLog(rest.onAccess);
    this.#gate = new ConnectionGate(options);
    const networks = new PrivateNetworks(rest.allowPrivate ?? [], rest.resolve);
    const isDirect = directRules(rest);
    const { lookup, targetLookup } = networks;
    const settings = { ...rest.dial, targetLookup: targetLookup as never };
    const { tls, plain = 'tunnel' } = rest;
    this.#agents = createAgentCache({ ...settings, plain, timeoutMs: connectTimeoutMs, ...(tls && { tls }) });
    this.#direct = directAgents(lookup, rest.tls);
    this.#offs = [
      pool.on('removed', ({ endpoint }) => this.#agents.retire(endpoint.id)),
      pool.on('closed', () => this.#agents.close()),
    ];
    const accounts = new Accounts(options.users, options.keys);
    const { anonymous } = options;
    const doorman = new Doorman({ accounts, tickets: this.#tickets, anonymous, now: () => performance.now() });
    const admission = new Admission({ networks, mayTunnelTo: options.mayTunnelTo, isDirect });
    const shared = { doorman, admission, log: this.#log };
    const searching = { pool, hearsay: new Hearsay(), connectTimeoutMs };
    const switchboard = new Switchboard({ ...searching, sessions: this.#sessions, settings, isDirect, lookup });
    this.#tunnels = new TunnelFront({ ...shared, switchboard, idleMs });
    const carriers = { agents: this.#agents, direct: this.#direct };
    this.#requests = new RequestFront({ ...shared, ...searching, carriers, limits: options, isDirect });
    const front = { ...options, gate: this.#gate, tunnels: this.#tunnels, log: this.#log };
    this.#server = createFront({ ...front, requests: this.#requests });
    this.#socks = createSocksFront({ ...front, doorman });
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

  async listen(options: ListenOptions = {}): Promise<GatewayHandle> {
    const { port = 0, host = '127.0.0.1', socksPort } = resolveListen(options);
    if (this.#closing !== undefined) throw problem('listen', 'comes too late: the gateway is closed');
    if (this.#listening) throw problem('listen', 'was called before: a gateway listens once');
    if (this.#options.anonymous && !LOOPBACK.test(host)) {
      throw problem('host', `${host} is open to others: it needs users or keys, and no anonymous clients`);
    }
    this.#listening = true;
    const [bound, socks] = await this.#bind(host, port, socksPort);
    return {
      url: `http://${bound.authority}`,
      host,
      port: bound.port,
      socksUrl: socks === undefined ? undefined : `socks5h://${socks.authority}`,
      unref: () => {
        this.#server.unref();
        this.#socks.unref();
      },
      close: () => this.close(),
    };
  }

  /** Ends it as its handle does, also where it never listened. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  /** Both listeners or none. */
  async #bind(host: string, port: number, socksPort: number | undefined): Promise<[Bound, Bound | undefined]> {
    try {
      const bound = await bind(this.#server, host, port);
      return [bound, socksPort === undefined ? undefined : await bind(this.#socks, host, socksPort)];
    } catch (error) {
      await endOf(this.#server);
      this.#listening = false;
      throw error;
    }
  }

  async #close(): Promise<void> {
    this.#requests.draining = true;
    this.#tunnels.draining = true;
    const closed = Promise.all([this.#server, this.#socks].map(endOf));
    this.#server.closeIdleConnections();
    // A connection that was kept by a request from before is idle only once that is answered.
    const sweep = setInterval(() => this.#server.closeIdleConnections(), SWEEP_MS);
    const timer = setTimeout(() => this.#gate.destroyAll(), this.#options.drainMs);
    await closed;
    clearTimeout(timer);
    clearInterval(sweep);
    this.#tunnels.closeAll();
    for (const off of this.#offs) off();
    this.#tickets.releaseAll();
    this.#sessions.releaseAll();
    this.#agents.close();
    for (const { http, https } of Object.values(this.#direct) as Agents[]) {
      http.destroy();
      https.destroy();
    }
  }
}

interface Bound {
  readonly authority: string;
  readonly port: number;
}

async function bind(server: TcpServer, host: string, port: number): Promise<Bound> {
  server.listen(port, host);
  await once(server, 'listening');
  const { port: bound } = server.address() as AddressInfo;
  return { port: bound, authority: `${host.includes(':') ? `[${host}]` : host}:${bound}` };
}

/** Resolves when the last connection has ended; at once where nobody listens. */
function endOf(server: TcpServer): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

function problem(item: string, text: string): ConfigurationError {
  return new ConfigurationError('INVALID_OPTION', item, text);
}
