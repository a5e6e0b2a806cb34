import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Destination } from './destination.js';
import type { Flow } from './traffic.js';

/** What a socket of ours stands on: kept beside it, for a property would show in every inspect. */
export interface Carrier {
  readonly via: 'tunnel' | 'absolute';
  readonly destination: Destination;
  readonly flow: Flow | undefined;
}

const carriers = new WeakMap<Socket, Carrier>();

export function carry(socket: Socket, carrier: Carrier): void {
  carriers.set(socket, carrier);
}

export function carrierOf(socket: Socket): Carrier | undefined {
  return carriers.get(socket);
}

/** Requests that were rewritten; other requests of ours went through tunnels. */
const absolute = new WeakSet<ClientRequest>();
/** On the prototypes of our agents, where no inspect shows it. */
const TUNNELLING = Symbol('tunnelling');

export function markAbsolute(request: ClientRequest): void {
  absolute.add(request);
}

export function markTunnelling({ prototype }: { readonly prototype: object }): void {
  Object.defineProperty(prototype, TUNNELLING, { value: true });
}

/**
 * How a socket, a request or the response to it went through the proxy. `absolute`: the proxy refused a tunnel and
 * spoke for the target, so that a gateway error may be its own. `undefined`: not by us.
 */
export function viaOf(source: Socket | ClientRequest | IncomingMessage): 'tunnel' | 'absolute' | undefined {
  const carrier = carriers.get(source as Socket);
  if (carrier !== undefined) return carrier.via;
  // A response soon forgets its socket, which may serve others by then.
  const { req: request = source } = source as { req?: ClientRequest };
  if (absolute.has(request as ClientRequest)) return 'absolute';
  const { agent } = request as { agent?: { readonly [TUNNELLING]?: true } };
  return agent?.[TUNNELLING] ? 'tunnel' : undefined;
}

/** Whether an agent leads through proxies of ours, whichever. */
export function isTunnelling(agent: unknown): boolean {
  return (Object(agent) as { readonly [TUNNELLING]?: true })[TUNNELLING] === true;
}
