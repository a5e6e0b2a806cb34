import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { certificates } from '../net/certificates.js';
import type { CertificateName } from '../net/certificates.js';
import { ConnectionLog } from '../net/connection-log.js';
import { ignore, labServer, Listener } from '../net/listener.js';
import { userinfo } from '../proxies/credentials.js';
import type { Credentials } from '../proxies/credentials.js';
import { startHttpProxy } from '../proxies/http-proxy.js';
import type { ProxyRequest, ProxyServer } from '../proxies/proxy-request.js';
import { startTarget } from '../targets/target.js';
import { holdClosedPort } from './closed-port.js';
import type { Fault, FaultSettings, Scene } from './fault.js';
import { httpFaults } from './http-faults.js';
import { reachRequest } from './reach.js';
import { socks4Faults, socks5Faults } from './socks-faults.js';
import { tcpFaults, tlsFaults } from './tcp-faults.js';

/** Every fault, by what misbehaves and by name. */
export const faults = {
  http: httpFaults,
  socks5: socks5Faults,
  socks4: socks4Faults,
  target: { ...tcpFaults, ...tlsFaults },
} satisfies Record<string, Record<string, Fault>>;

export type FaultKind = keyof typeof faults;
export type FaultName<K extends FaultKind> = keyof (typeof faults)[K] & string;

export interface FaultOptions extends FaultSettings {
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** Put into the URL. A faulty proxy lets any credentials pass, but a SOCKS one then asks for them. */
  readonly credentials?: Credentials;
  /** An HTTP proxy speaks TLS to its clients, with this certificate. Faults in TLS always do. */
  readonly certificate?: CertificateName;
}

/** The names of all faults of a kind, for tests that go through the table. */
export function faultNames<K extends FaultKind>(kind: K): FaultName<K>[] {
  return Object.keys(faults[kind]) as FaultName<K>[];
}

/** Starts a proxy or target that misbehaves as named. */
export async function startFault<K extends FaultKind>(
  kind: K,
  name: FaultName<K>,
  options: FaultOptions = {},
): Promise<ProxyServer> {
  const fault: Fault = (faults[kind] as Readonly<Record<string, Fault>>)[name]!;
  const host = options.host ?? '127.0.0.1';
  const prefix = `${schemeOf(kind, fault, options)}://${userinfo(credentialsOf(fault, options))}`;
  if (fault.at === 'refused') return refusing(host, prefix);
  const { certificate, strike } = fault;
  if (!strike) {
    const { credentials } = options;
    const own = { host, ...(certificate && { certificate }) };
    if (kind === 'target') return Object.assign(await startTarget(own), { requests: [] });
    return startHttpProxy({ ...own, ...(credentials && { credentials }) });
  }
  const requests: ProxyRequest[] = [];
  const listener = await Listener.open(host, (raw, listener) => {
    // A client that leaves before the fault could strike is no error here.
    lead(kind, fault, raw, { listener, requests, options }).then(strike, () => raw.destroy());
  });
  return Object.assign(labServer(listener, prefix + listener.authority), { requests });
}

interface Stage {
  readonly listener: Listener;
  readonly requests: ProxyRequest[];
  readonly options: FaultOptions;
}

/** Behaves until the moment at which the fault strikes. */
async function lead(kind: FaultKind, fault: Fault, raw: Socket, stage: Stage): Promise<Scene> {
  const { listener, requests, options } = stage;
  const { every = 100, cutAfter = 1000 } = options;
  const scene = { raw, socket: raw, listener, every, cutAfter, destination: { host: '', port: 0 } };
  if (fault.at === 'accept' || fault.at === 'tls') return scene;
  const socket = kind === 'http' && options.certificate ? secured(raw, options.certificate) : raw;
  if (fault.at === 'hello') return { ...scene, socket };
  const asked = await reachRequest(kind, fault.at, socket, credentialsOf(fault, options) !== undefined);
  if (!asked) return { ...scene, socket };
  const connection = listener.connections.of(raw);
  requests.push({ ...asked, ...(connection && { connection }) });
  return { ...scene, socket, destination: asked };
}

function secured(raw: Socket, certificate: CertificateName): Socket {
  const socket = new TLSSocket(raw, { isServer: true, ...certificates()[certificate] });
  return socket.on('error', ignore);
}

function schemeOf(kind: FaultKind, fault: Fault, options: FaultOptions): string {
  if (kind === 'socks5') return 'socks5h';
  if (kind === 'socks4') return 'socks4a';
  return fault.at === 'tls' || options.certificate ? 'https' : 'http';
}

/** A fault in the authentication needs a client that authenticates. */
function credentialsOf(fault: Fault, options: FaultOptions): Credentials | undefined {
  return options.credentials ?? (fault.at === 'auth' ? { user: 'lab', password: 'secret' } : undefined);
}

async function refusing(host: string, prefix: string): Promise<ProxyServer> {
  const held = await holdClosedPort(host);
  return {
    url: `${prefix}${host.includes(':') ? `[${host}]` : host}:${held.port}`,
    host,
    port: held.port,
    connections: new ConnectionLog(),
    requests: [],
    idle: () => Promise.resolve(),
    close: () => held.release(),
  };
}
