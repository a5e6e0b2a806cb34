import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { Listener } from '../net/listener.js';

/** A port that refuses connections for as long as it is held. */
export interface ClosedPort {
  readonly port: number;
  release(): Promise<void>;
}

/**
 * Holds a port that nobody listens on. One that was merely listened on and closed may be given
 * to the next listener at any moment; the local end of an open connection may not.
 */
export async function holdClosedPort(host: string): Promise<ClosedPort> {
  const listener = await Listener.open(host, () => undefined);
  const holder: Socket = connect({ host, port: listener.port });
  await once(holder, 'connect');
  const { port } = holder.address() as AddressInfo;
  return {
    port,
    release: async () => {
      // Reset, so that the port is not left in TIME_WAIT.
      holder.resetAndDestroy();
      await listener.close();
    },
  };
}
