import type { Socket } from 'node:net';
import type { Flow } from './traffic.js';

/** What a socket of ours stands on: kept beside it, for a property would show in every inspect. */
export interface Carrier {
  readonly via: 'tunnel' | 'absolute';
  readonly flow: Flow | undefined;
}

const carriers = new WeakMap<Socket, Carrier>();

export function carry(socket: Socket, carrier: Carrier): void {
  carriers.set(socket, carrier);
}

export function carrierOf(socket: Socket): Carrier | undefined {
  return carriers.get(socket);
}

/** Something that has a socket, such as Node's `IncomingMessage` and `ClientRequest`. */
export interface HasSocket {
  readonly socket: Socket | null | undefined;
}

/**
 * How a socket, or the response that came over it, went through the proxy. `absolute`: the proxy refused a tunnel and
 * spoke for the target, so that a gateway error may be its own.
 */
export function viaOf(source: Socket | HasSocket): 'tunnel' | 'absolute' | undefined {
  const own = carriers.get(source as Socket);
  if (own !== undefined) return own.via;
  const { socket } = source as HasSocket;
  return socket ? carriers.get(socket)?.via : undefined;
}
