import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { certificates } from '@fairlead/lab';

/** How many proxies of each kind there are. */
export interface FleetOrder {
  readonly good: number;
  readonly dead: number;
  readonly hanging: number;
  /** The target answers 403 to whatever comes from them. */
  readonly banned: number;
  /** How long the target thinks about a page, in milliseconds. */
  readonly pageMs: number;
}

export interface FleetPlace {
  readonly url: string;
  /** In an order that has nothing to do with their kind. */
  readonly proxies: readonly string[];
}

/** What the target has seen since the last time it was asked. */
export interface FleetTally {
  readonly requests: number;
  readonly denied: number;
  /** Requests that came from no proxy. */
  readonly direct: number;
}

/** A target and a fleet of proxies in a process of their own, so that a benchmark does not measure them. */
export interface FleetWorld extends FleetPlace {
  tally(): Promise<FleetTally>;
  stop(): Promise<void>;
}

// From src and from dist alike this is the built file: Node runs no TypeScript.
const ENTRY = fileURLToPath(new URL('../dist/fleet-child.js', import.meta.url));

export async function startFleetWorld(order: FleetOrder): Promise<FleetWorld> {
  const child = fork(ENTRY, [JSON.stringify(order)], {
    execArgv: [],
    env: { ...process.env, FAIRLEAD_LAB_CERTIFICATES: JSON.stringify(certificates()) },
  });
  const exited = once(child, 'exit');
  const place = await Promise.race([
    once(child, 'message').then(([message]) => message as FleetPlace),
    exited.then(([code]) => Promise.reject(new Error(`the fleet's process ended with ${code}`))),
  ]);
  return {
    ...place,
    tally: async () => {
      const answered = once(child, 'message');
      child.send('tally');
      const [tally] = await answered;
      return tally as FleetTally;
    },
    stop: async () => {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}
