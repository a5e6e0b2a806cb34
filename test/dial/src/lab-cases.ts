import {
  faultNames,
  faults,
  startFault,
  startHttpProxy,
  startSocksProxy,
  startTarget,
  type FaultKind,
  type LabServer,
} from '@fairlead/lab';
import { CLIENT_NAMES, type ClientName } from './clients.js';
import { CANARY } from './credential-hunt.js';
import { ABORTED, AUTH_REFUSED, expected, ROUTES, UNREACHABLE, type Verdict } from './expected.js';
import type { FaultCase, Scene } from './fault-case.js';

/** Every fault of the lab's through every library. */
export function labCases(): FaultCase[] {
  return [...faultCases(), ...routeCases(), ...callerCases()];
}

/** Faults that are not always noticed, and then end in a deadline. */
const UNNOTICED: ReadonlySet<string> = new Set(['auth-wrong-version', 'early-200', 'early-reply']);

function faultCases(): FaultCase[] {
  return (['http', 'socks5', 'socks4', 'target'] as const).flatMap((kind) =>
    faultNames(kind)
      // No proxy can tell a client that the target has a closed port without a fault of its own: see the real servers.
      .filter((name) => kind !== 'target' || name !== 'refuse-tcp')
      .flatMap((name) =>
        CLIENT_NAMES.map((client) => ({
          name: `${kind} ${name}`,
          client,
          hangs: faults[kind][name as never]['outcome'] === 'hangs' || UNNOTICED.has(name),
          expected: expected(kind, name),
          open: () => (kind === 'target' ? openBadTarget(name) : openBadProxy(kind, name)),
        })),
      ),
  );
}

async function openBadProxy(kind: Exclude<FaultKind, 'target'>, name: string): Promise<Scene> {
  const target = await startTarget({ certificate: 'good' });
  const settings = { credentials: CANARY, cutAfter: 20_000, every: 20 };
  const proxy = await startFault(kind, name as never, settings);
  const path = name.startsWith('cut-') ? '/bytes/100000' : '/status/200';
  return scene(proxy, proxy.url, target, target.url + path);
}

async function openBadTarget(name: string): Promise<Scene> {
  const target = await startFault('target', name as never);
  const proxy = await startHttpProxy({ credentials: CANARY });
  return scene(proxy, proxy.url, target, `https://127.0.0.1:${target.port}/status/200`);
}

/** Targets that answer, hang and break, through proxies that work. */
function routeCases(): FaultCase[] {
  return Object.entries(ROUTES).flatMap(([path, verdict]) =>
    (['http', 'socks5h'] as const).flatMap((proxy) =>
      ([undefined, 'good'] as const).flatMap((certificate) =>
        CLIENT_NAMES.map((client) => ({
          name: `${proxy} to ${certificate ? 'https' : 'http'} ${path}`,
          client,
          hangs: path === '/hang',
          expected: verdict,
          open: () => openRoute(proxy, certificate, path),
        })),
      ),
    ),
  );
}

async function openRoute(scheme: 'http' | 'socks5h', certificate: 'good' | undefined, path: string): Promise<Scene> {
  const target = await startTarget(certificate && { certificate });
  const proxy = await (scheme === 'http' ? startHttpProxy : startSocksProxy)({ credentials: CANARY });
  return scene(proxy, proxy.url, target, target.url + path);
}

/** Wrong credentials, a proxy that is not there, and a caller who changes his mind. */
function callerCases(): FaultCase[] {
  return [...CLIENT_NAMES.flatMap(refusedCases), ...CLIENT_NAMES.flatMap(abortedCases)];
}

function refusedCases(client: ClientName): FaultCase[] {
  return [
    caller(client, 'http wrong password', AUTH_REFUSED('tunnel'), () => openWrongPassword(startHttpProxy)),
    caller(client, 'socks5 wrong password', AUTH_REFUSED('proxy-handshake'), () => openWrongPassword(startSocksProxy)),
    caller(client, 'http unknown name', UNREACHABLE, openUnknownName),
  ];
}

const SILENT = {
  'silent-on-accept': 'tunnel',
  'silent-after-request': 'tunnel',
  'silent-in-reply': 'tunnel',
  'silent-in-tunnel': 'target-tls',
} as const;

function abortedCases(client: ClientName): FaultCase[] {
  return (['http', 'socks5', 'socks4'] as const).flatMap((kind) =>
    (Object.keys(SILENT) as (keyof typeof SILENT)[]).map((name) => {
      const phase = kind === 'socks5' && name === 'silent-on-accept' ? 'proxy-handshake' : SILENT[name];
      const aborted = caller(client, `${kind} abort in ${name}`, ABORTED(phase), () => openBadProxy(kind, name));
      return Object.assign(aborted, { aborts: true });
    }),
  );
}

function caller(client: ClientName, name: string, verdict: Verdict, open: () => Promise<Scene>): FaultCase {
  return { name, client, hangs: false, expected: verdict, open };
}

async function openWrongPassword(start: typeof startHttpProxy | typeof startSocksProxy): Promise<Scene> {
  const target = await startTarget();
  const proxy = await start({ credentials: { user: 'someone', password: 'else' } });
  const { user, password } = CANARY;
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
  return scene(proxy, proxy.url.replace('someone:else', login), target, target.url);
}

async function openUnknownName(): Promise<Scene> {
  const target = await startTarget();
  const proxy = await startHttpProxy({ credentials: CANARY });
  return scene(proxy, proxy.url.replace('127.0.0.1', 'nobody.invalid'), target, target.url);
}

function scene(proxy: LabServer, proxyUrl: string, target: LabServer, targetUrl: string): Scene {
  return {
    proxyUrl,
    targetUrl,
    openSockets: () => proxy.connections.open,
    bytesIn: () => proxy.connections.bytesIn,
    idle: () => proxy.idle(),
    close: async () => {
      await proxy.close();
      await target.close();
    },
  };
}
