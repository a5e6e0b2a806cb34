import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import {
  availability,
  realServers,
  startRealServer,
  startTarget,
  type RealServer,
  type RealServerName,
} from '@fairlead/lab';
import { startFault } from '@fairlead/lab';
import { CLIENT_NAMES } from './clients.js';
import { CANARY } from './credential-hunt.js';
import { AUTH_REFUSED, LOST_IN_TLS, TUNNEL_REFUSED, type Verdict } from './expected.js';
import type { FaultCase, Scene } from './fault-case.js';

/** Cases that share one server and come one after another, so that its sockets can be told apart. */
export interface RealServerCases {
  readonly cases: readonly FaultCase[];
  close(): Promise<void>;
}

/** The four proxies that other people run, with a password and without. Empty where one is not installed. */
export async function startRealCases(): Promise<RealServerCases[]> {
  const started: RealServerCases[] = [];
  for (const name of Object.keys(realServers) as RealServerName[]) {
    for (const authenticated of [false, true]) {
      const state = availability(name, { authenticated });
      if (state.available) started.push(casesOf(await startRealServer(name, { authenticated })));
      else console.error(`skipped ${name}: ${state.reason}`);
    }
  }
  return started;
}

interface Situation {
  readonly about: string;
  readonly expected: Verdict;
  readonly target: Kind;
  /** Whom the client says it is; without it, what the server wants to hear. */
  readonly login?: { readonly user: string; readonly password: string } | 'nobody';
}

type Kind = 'https' | 'http' | 'status-407' | 'closed-port' | 'unknown-name' | 'closes-in-tls';

function casesOf(server: RealServer): RealServerCases {
  const socks = server.url.startsWith('socks');
  const open: Situation[] = [
    { about: 'an https target', expected: { status: 200 }, target: 'https' },
    { about: 'an http target', expected: { status: 200 }, target: 'http' },
    { about: `a target's own 407`, expected: { status: 407 }, target: 'status-407' },
    // The HTTP servers answer 500 or 503, whoever refused; the SOCKS servers say who.
    { about: 'a closed port', expected: TUNNEL_REFUSED(socks ? 'target' : 'unclear'), target: 'closed-port' },
    { about: 'an unknown name', expected: TUNNEL_REFUSED('unclear'), target: 'unknown-name' },
    { about: 'a target that closes in TLS', expected: LOST_IN_TLS, target: 'closes-in-tls' },
  ];
  const refused = AUTH_REFUSED(socks ? 'proxy-handshake' : 'tunnel');
  const locked: Situation[] = [
    { about: 'a wrong password', expected: refused, target: 'https', login: CANARY },
    { about: 'no password', expected: refused, target: 'https', login: 'nobody' },
  ];
  const situations = server.credentials === undefined ? open : [...open, ...locked];
  const cases = situations.flatMap((situation) =>
    CLIENT_NAMES.map((client) => ({
      name: `${server.name}${server.credentials ? ' with password' : ''}: ${situation.about}`,
      client,
      hangs: false,
      expected: situation.expected,
      open: () => scene(server, situation),
    })),
  );
  return { cases, close: () => server.stop() };
}

async function scene(server: RealServer, { target, login }: Situation): Promise<Scene> {
  const { url, close } = await TARGETS[target]();
  return {
    proxyUrl: login === undefined ? server.url : withLogin(server, login),
    targetUrl: url,
    idle: async () => {
      while ((await openTo(server.port)) > 0) await pause(10);
    },
    close,
  };
}

function withLogin({ url }: RealServer, login: Exclude<Situation['login'], undefined>): string {
  const bare = url.replace(/\/\/[^@/]*@/, '//');
  if (login === 'nobody') return bare;
  return bare.replace('//', `//${encodeURIComponent(login.user)}:${encodeURIComponent(login.password)}@`);
}

const TARGETS: Record<Kind, () => Promise<{ url: string; close(): Promise<void> }>> = {
  https: async () => at(await startTarget({ certificate: 'good' }), '/status/200'),
  http: async () => at(await startTarget(), '/status/200'),
  'status-407': async () => at(await startTarget({ certificate: 'good' }), '/status/407'),
  'closed-port': async () => at(await startFault('target', 'refuse-tcp'), '/', 'https'),
  'unknown-name': async () => ({ url: 'https://nobody.invalid/', close: async () => {} }),
  'closes-in-tls': async () => at(await startFault('target', 'close-in-tls'), '/', 'https'),
};

function at(
  server: { readonly url: string; readonly port: number; close(): Promise<void> },
  path: string,
  scheme?: 'https',
): { url: string; close(): Promise<void> } {
  const base = scheme === undefined ? server.url : `${scheme}://127.0.0.1:${server.port}`;
  return { url: base + path, close: () => server.close() };
}

const HALF_OPEN = new Set(['01', '08']);

/** Connections of this machine to that port that somebody still holds: the kernel's own list knows. */
async function openTo(port: number): Promise<number> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const rows = (await readFile('/proc/net/tcp', 'utf8'))
    .split('\n')
    .slice(1)
    .map((row) => row.trim().split(/\s+/));
  return rows.filter(([, , remote, state]) => remote?.endsWith(`:${hex}`) === true && HALF_OPEN.has(state ?? ''))
    .length;
}
