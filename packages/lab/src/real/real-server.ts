import { existsSync } from 'node:fs';
import { userinfo } from '../proxies/credentials.js';
import type { Credentials } from '../proxies/credentials.js';
import { startDaemon } from './daemon.js';
import type { Daemon } from './daemon.js';
import { dante, microsocks } from './socks-servers.js';
import { LAB_USER } from './system-user.js';
import { squid, tinyproxy } from './http-servers.js';
import type { RealServerPlan } from './real-server-plan.js';

/** The proxies other people run, by the name of the program. */
export const realServers = { squid, tinyproxy, dante, microsocks } satisfies Record<string, RealServerPlan>;

export type RealServerName = keyof typeof realServers;

export interface RealServerOptions {
  /** Demands a user and password, which are then part of the URL. @default false */
  readonly authenticated?: boolean;
  /** The loopback address it leaves from, such as 127.78.0.1: a target can tell by it who it was. */
  readonly exit?: string;
}

export interface RealServer extends Daemon {
  readonly name: RealServerName;
  readonly url: string;
  readonly credentials?: Credentials;
}

export type Availability = { readonly available: true } | { readonly available: false; readonly reason: string };

/**
 * Whether this machine can run the server, and why not. For `test.skipIf`: in CI it throws
 * instead, since a suite that skips what it cannot run there would prove nothing for ever.
 */
export function availability(name: RealServerName, options: RealServerOptions = {}): Availability {
  return availabilityOf(name, realServers[name], options.authenticated);
}

export function availabilityOf(name: string, plan: RealServerPlan, authenticated = false): Availability {
  const reason = obstacle(plan, authenticated);
  if (reason === undefined) return { available: true };
  if (process.env['CI']) throw new Error(`${name} must run in CI: ${reason}`);
  return { available: false, reason };
}

function obstacle(plan: RealServerPlan, authenticated: boolean): string | undefined {
  const missing = plan.files.find((file) => !existsSync(file));
  if (missing !== undefined) return `${missing} is missing: apt-get install ${plan.debianPackage}`;
  const rootless = authenticated && plan.usersAreSystemUsers && process.getuid?.() !== 0;
  return rootless ? 'its users are system users, and only root can make one' : undefined;
}

/** Starts a real proxy on a free loopback port and waits until it accepts. */
export async function startRealServer(name: RealServerName, options: RealServerOptions = {}): Promise<RealServer> {
  const plan: RealServerPlan = realServers[name];
  const credentials = options.authenticated ? LAB_USER : undefined;
  const command = plan.files[0];
  const exit = options.exit === undefined ? {} : { exit: options.exit };
  const daemon = await startDaemon({ command, prepare: (place) => plan.prepare({ ...place, ...exit }, credentials) });
  const url = `${plan.scheme}://${userinfo(credentials)}${daemon.host}:${daemon.port}`;
  return { ...daemon, name, url, ...(credentials && { credentials }) };
}
