import { existsSync } from 'node:fs';
import { startDaemon, type Daemon } from './daemon.js';
import type { Availability } from './real-server.js';

const BINARY = '/usr/bin/redis-server';

export interface RedisOptions {
  /** Lines of its configuration beside those that keep it on this machine and its data in memory. @default [] */
  readonly settings?: readonly (readonly [name: string, value: string])[];
  /** The port, for a server that comes back where another was. @default a free one */
  readonly port?: number;
}

export interface RedisServer extends Daemon {
  readonly url: string;
}

/** Whether this machine can run a Redis server. Like `availability` it throws in CI, where every service must be there. */
export function redisAvailability(): Availability {
  if (existsSync(BINARY)) return { available: true };
  const reason = `${BINARY} is missing: apt-get install redis-server`;
  if (process.env['CI']) throw new Error(`redis-server must run in CI: ${reason}`);
  return { available: false, reason };
}

/** Starts a Redis server on a loopback port, with nothing kept on disk. */
export async function startRedis({ settings = [], port }: RedisOptions = {}): Promise<RedisServer> {
  const daemon = await startDaemon({
    command: BINARY,
    ...(port === undefined ? {} : { port }),
    prepare: ({ host, directory, port: own }) =>
      [
        ['--port', String(own), '--bind', host, '--dir', directory],
        ['--save', '', '--appendonly', 'no', '--protected-mode', 'yes', '--daemonize', 'no'],
        ...settings.map(([name, value]) => [`--${name}`, value]),
      ].flat(),
  });
  return { ...daemon, url: `redis://${daemon.host}:${daemon.port}` };
}
