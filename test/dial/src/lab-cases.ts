import {
  faultNames,
  faults,
  startFault,
  startHttpProxy,
  startSocksProxy,
  startTarget,
  type Fault,
  type FaultKind,
  type FaultName,
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
  return (['http', 'https', 'socks5', 'socks4', 'target'] as const).flatMap((kind) =>
    faultNames(labKind(kind))
      // Faults in TLS to the proxy are the same for both: they come with TLS.
      .filter((name) => kind !== 'https' || !isInTls(name))
      // No proxy can tell a client that the target has a closed port without a fault of its own: see the real servers.
      .filter((name) => kind !== 'target' || name !== 'refuse-tcp')
      .flatMap((name) =>
        CLIENT_NAMES.map((client) => ({
          name: `${kind} ${name}`,
          client,
          hangs: faults[labKind(kind)][name as never]['outcome'] === 'hangs' || UNNOTICED.has(name),
          expected: expected(kind, name),
          open: () => (kind === 'target' ? openBadTarget(name) : openBadProxy(kind, name)),
        })),
      ),
  );
}

/** To the lab an `https` proxy is an `http` one with a certificate. */
type ProxyKind = Exclude<FaultKind, 'target'> | 'https';

function labKind<K extends FaultKind>(kind: K | 'https'): K | 'http' {
  return kind === 'https' ? 'http' : kind;
}

function isInTls(name: string): boolean {
  const { at, certificate } = faults.http[name as FaultName<'http'>] as Fault;
  return at === 'tls' || certificate !== undefined;
}

async function openBadProxy(kind: ProxyKind, name: string): Promise<Scene> {
  const target = await startTarget({ certificate: 'good' });
  const settings = { credentials: CANARY, cutAfter: 20_000, every: 20 };
  const secure = kind === 'https' ? { certificate: 'good' as const } : {};
  const proxy = await startFault(labKind(kind), name as never, { ...settings, ...secure });
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

/** Who speaks first, and of what. */
const SILENT_ON_ACCEPT = { http: 'tunnel', https: 'proxy-tls', socks5: 'proxy-handshake', socks4: 'tunnel' } as const;

const SILENT = {
  'silent-on-accept': undefined,
  'silent-after-request': 'tunnel',
  'silent-in-reply': 'tunnel',
  'silent-in-tunnel': 'target-tls',
} as const;

function abortedCases(client: ClientName): FaultCase[] {
  return (['http', 'https', 'socks5', 'socks4'] as const).flatMap((kind) =>
    (Object.keys(SILENT) as (keyof typeof SILENT)[]).map((name) => {
      const phase = name === 'silent-on-accept' ? SILENT_ON_ACCEPT[kind] : SILENT[name];
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
