import type { Agent, ClientRequest } from 'node:http';
import type { Socket } from 'node:net';

export type Created = (error: Error | null, socket: Socket) => void;

/** What Node hands to `createConnection` for one request. */
export interface ConnectionOptions {
  readonly host?: string | null | undefined;
  readonly hostname?: string | null | undefined;
  readonly port?: number | string | null | undefined;
  readonly servername?: string | undefined;
  /** The agent's own name for this origin and its TLS options. */
  readonly _agentKey?: string;
}

/** Parts of Node's agent that its types leave out; agent-base stands on the same ones. */
export interface AgentInternals {
  readonly protocol: string;
  readonly defaultPort: number;
  readonly keepAlive: boolean;
  readonly sockets: Record<string, unknown[] | undefined>;
  readonly requests: Record<string, ClientRequest[] | undefined>;
  totalSocketCount: number;
  addRequest(request: ClientRequest, options: ConnectionOptions): void;
  createSocket(request: ClientRequest, options: ConnectionOptions, created: Created): void;
  keepSocketAlive(socket: Socket): boolean;
  removeSocket(socket: Socket, options: ConnectionOptions): void;
  reuseSocket(socket: Socket, request: ClientRequest): void;
  createConnection(options: ConnectionOptions, created?: Created): Socket | undefined;
}

export function internals(agent: Agent): AgentInternals {
  return agent as unknown as AgentInternals;
}

/** Parts of Node's client request that its types leave out. */
export interface RequestInternals {
  onSocket(socket: Socket | null, error?: Error | null): void;
}

export function requestInternals(request: ClientRequest): RequestInternals {
  return request as unknown as RequestInternals;
}
