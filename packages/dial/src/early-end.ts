import type { ClientRequest } from 'node:http';

type Hear = (error?: Error) => void;

const hearing = new WeakMap<ClientRequest, Set<Hear>>();

/**
 * Tells of a request's end while it has no socket: Node itself would wait for a dial, or for a place. One that has a socket
 * may have been received, whatever was begun for it meanwhile: its end is nobody's business here.
 */
export function hearEarlyEnd(request: ClientRequest, hear: Hear): () => void {
  const hearers = hearing.get(request) ?? hooked(request);
  hearers.add(hear);
  return () => void hearers.delete(hear);
}

/** Once, and never taken off: others hook the same method, and would be taken off with it. */
function hooked(request: ClientRequest): Set<Hear> {
  const hearers = new Set<Hear>();
  hearing.set(request, hearers);
  const { destroy } = request;
  request.destroy = (error?: Error) => {
    destroy.call(request, error);
    if (request.socket == null) for (const hear of hearers) hear(error);
    return request;
  };
  return hearers;
}
