import { Agent as HttpAgent, type ClientRequest } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { checkDuration, checkKeys, type Endpoint } from '@fairlead/core';
import { internals, type ConnectionOptions, type Created } from './agent-internals.js';
import { markTunnelling } from './carrier.js';
import { checkDialSettings, DIAL_SETTING_KEYS, type DialSettings } from './dial.js';
import type { Agents } from './lease-agents.js';
import { TCP_KEEP_ALIVE_MS } from './reach.js';
import { TargetTls, type TargetTlsOptions } from './target-tls.js';
import { Tunnels } from './tunnels.js';

/** The defaults of `AgentOptions`, in one place. */
export const AGENT_DEFAULTS = Object.freeze({
  keepAlive: true,
  maxSockets: Number.POSITIVE_INFINITY,
  maxFreeSockets: 256,
  idleMs: 60_000,
});

export interface AgentOptions extends DialSettings {
  /** Keep tunnels open for the next request to the same origin. @default true */
  readonly keepAlive?: boolean;
  /** Most tunnels to one origin at once. @default Infinity */
  readonly maxSockets?: number;
  /** Most idle tunnels kept to one origin. @default 256 */
  readonly maxFreeSockets?: number;
  /** TLS to the target, such as `ca`. */
  readonly tls?: TargetTlsOptions;
  /** How plain `http://` targets are reached through an HTTP proxy. @default 'tunnel' */
  readonly plain?: 'tunnel' | 'absolute';
  /** An idle tunnel is closed after this. @default 60_000 */
  readonly idleMs?: number;
}

/** Every key of `AgentOptions`. */
export const AGENT_OPTION_KEYS = [
  ...DIAL_SETTING_KEYS,
  'keepAlive',
  'maxSockets',
  'maxFreeSockets',
  'tls',
  'plain',
  'idleMs',
] as const satisfies readonly (keyof AgentOptions)[];

/** Node agents that send every request through one proxy. They share tunnels with whoever uses the same pair. */
export function agentsFor(endpoint: Endpoint, options: AgentOptions = {}): Agents {
  checkKeys(options, AGENT_OPTION_KEYS, '');
  checkAgentDurations(options);
  return makeAgents(endpoint, options);
}

export function checkAgentDurations(options: Pick<AgentOptions, 'timeoutMs' | 'idleMs'>): void {
  checkDialSettings(options);
  if (options.idleMs !== undefined) checkDuration(options.idleMs, 'idleMs');
}

/** The same for options that have been looked at. */
export function makeAgents(endpoint: Endpoint, options: AgentOptions): Agents {
  return {
    http: new TunnelAgent('http:', endpoint, options),
    https: new TunnelAgent('https:', endpoint, options),
  };
}

/** Lets running requests finish, closes each tunnel as it falls idle, and keeps none any more. */
export function drainAgents({ http, https }: Agents): void {
  for (const agent of [http, https]) if (agent instanceof TunnelAgent) agent.drain();
}

/** The name under which a socket is kept, on the options that Node hands back with it. */
const NAME = Symbol('name');

const { getName: getPlainName } = HttpAgent.prototype;

/**
 * Node's agent over tunnels. One class for both schemes: Node's own agent for `https:` is its agent for `http:` and TLS,
 * and the scheme says whether a tunnel gets that.
 */
class TunnelAgent extends HttpsAgent {
  readonly #tunnels: Tunnels;
  /** Not among the agent's own options: those stand in the name of every socket, certificates and all. */
  readonly #tls: TargetTls | undefined;

  constructor(scheme: 'http:' | 'https:', endpoint: Endpoint, options: AgentOptions) {
    const {
      tls,
      keepAlive = AGENT_DEFAULTS.keepAlive,
      maxSockets = AGENT_DEFAULTS.maxSockets,
      maxFreeSockets = AGENT_DEFAULTS.maxFreeSockets,
      idleMs = AGENT_DEFAULTS.idleMs,
      ...settings
    } = options;
    // axios asks for this delay on each socket that it gets: another of ours would be two system calls for every request.
    const keepAliveMsecs = TCP_KEEP_ALIVE_MS;
    super({ keepAlive, keepAliveMsecs, maxSockets, maxFreeSockets, scheduling: 'lifo' });
    const secure = scheme === 'https:';
    Object.assign(this, { protocol: scheme, defaultPort: secure ? 443 : 80 });
    this.#tls = secure ? new TargetTls(tls) : undefined;
    this.#tunnels = new Tunnels(this, endpoint, { ...settings, idleMs });
  }

  override getName(options: ConnectionOptions & { readonly [NAME]?: string } = {}): string {
    if (options[NAME] !== undefined) return options[NAME];
    // Of what has no TLS no certificate stands in the name.
    return this.#tls === undefined ? getPlainName.call(this, options as object) : super.getName(options as object);
  }

  addRequest(request: ClientRequest, options: ConnectionOptions): void {
    if (this.#tls === undefined) this.#tunnels.watchForAbsolute(request);
    internals(HttpAgent.prototype).addRequest.call(this, request, options);
    this.#tunnels.placed(request);
  }

  createSocket(request: ClientRequest, options: ConnectionOptions, created: Created): void {
    this.#tunnels.asking(request, () =>
      internals(HttpAgent.prototype).createSocket.call(this, request, options, created),
    );
  }

  override createConnection(options: ConnectionOptions, created: Created = ignore): undefined {
    // Node makes the name of a socket three times for each request.
    Object.assign(options, { [NAME]: options._agentKey });
    const tls = this.#tls;
    if (tls === undefined) this.#tunnels.openPlain(options, created);
    else
      this.#tunnels.openSecure(
        options,
        (tunnel, timeoutMs) => tls.over(tunnel, options as TlsOptions, options._agentKey ?? '', { timeoutMs }),
        created,
      );
  }

  override keepSocketAlive(socket: Duplex): boolean {
    return this.#tunnels.keeps(
      socket as Socket,
      internals(HttpAgent.prototype).keepSocketAlive.call(this, socket as Socket),
    );
  }

  removeSocket(socket: Socket, options: ConnectionOptions): void {
    this.#tunnels.left(socket);
    internals(HttpAgent.prototype).removeSocket.call(this, socket, options);
  }

  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    internals(HttpAgent.prototype).reuseSocket.call(this, socket as Socket, request);
    this.#tunnels.reused(socket as Socket, request);
  }

  drain(): void {
    this.#tunnels.drain();
  }
}

markTunnelling(TunnelAgent);

function ignore(): void {}
