import * as http from 'node:http';
import * as https from 'node:https';
import type { Socket } from 'node:net';
import { certificates } from '../net/certificates.js';
import type { CertificateName } from '../net/certificates.js';
import { connectTo, exitAddress, parseAuthority } from '../net/destination.js';
import type { Destination } from '../net/destination.js';
import { ignore, labServer, Listener } from '../net/listener.js';
import { connected, relay } from '../net/relay.js';
import { admits, basicCredentials, userinfo } from './credentials.js';
import type { Credentials } from './credentials.js';
import type { ProxyRequest, ProxyServer } from './proxy-request.js';

export interface HttpProxyOptions {
  /** @default '127.0.0.1' */
  readonly host?: string;
  readonly credentials?: Credentials;
  /** Takes any user name with that password, as the gateways of providers do. @default false */
  readonly anyUser?: boolean;
  /** Speak TLS to the client, with the certificate named. */
  readonly certificate?: CertificateName;
  /** Answer CONNECT to these ports with this status; absolute-form requests are still forwarded. */
  readonly refuseConnect?: {
    readonly status: number;
    readonly ports: 'all' | readonly number[];
    /** To these hosts alone. @default all */
    readonly hosts?: readonly string[];
  };
  /** `each-tunnel` leaves from a new loopback address for every tunnel and every absolute-form request. @default 'one' */
  readonly exits?: 'one' | 'each-tunnel';
  /** The loopback address it leaves from, such as 127.78.0.1: a target can tell by it who it was. */
  readonly exit?: string;
}

/** Starts an HTTP proxy that works: CONNECT and absolute form. */
export async function startHttpProxy(options: HttpProxyOptions = {}): Promise<ProxyServer> {
  const front = options.certificate ? https.createServer(certificates()[options.certificate]) : http.createServer();
  // Node answers a broken request with a 400 of its own, also after a failed handshake: silence is better here.
  front.on('clientError', (_error, socket) => socket.destroy());
  const listener = await Listener.open(options.host ?? '127.0.0.1', (raw) => front.emit('connection', raw));
  const proxy = new HttpProxy(listener, options);
  front.on('connect', (request, socket, head) => proxy.tunnel(request, socket as Socket, head));
  front.on('request', (request, response) => proxy.forward(request, response));
  const url = `${options.certificate ? 'https' : 'http'}://${userinfo(options.credentials)}${listener.authority}`;
  return Object.assign(labServer(listener, url), { requests: proxy.requests });
}

class HttpProxy {
  readonly requests: ProxyRequest[] = [];
  readonly #listener: Listener;
  readonly #options: HttpProxyOptions;
  #exits = 0;

  constructor(listener: Listener, options: HttpProxyOptions) {
    this.#listener = listener;
    this.#options = options;
  }

  tunnel(request: http.IncomingMessage, client: Socket, head: Buffer): void {
    client.on('error', ignore);
    const destination = parseAuthority(request.url ?? '');
    const asked = this.#record('connect', request, destination);
    const refusal = this.#admits(asked) ? this.#refusal(destination) : 407;
    if (refusal !== undefined) {
      client.end(reply(refusal));
      return;
    }
    const upstream = this.#listener.own(connectTo(destination, asked.exit));
    connected(client, upstream, {
      failed: () => client.end(reply(502)),
      ready: () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        if (head.length > 0) upstream.write(head);
        relay(client, upstream);
      },
    });
  }

  forward(request: http.IncomingMessage, response: http.ServerResponse): void {
    const url = URL.canParse(request.url ?? '') ? new URL(request.url ?? '') : undefined;
    if (url?.protocol !== 'http:') {
      response.writeHead(400).end();
      return;
    }
    const destination = { host: url.hostname.replaceAll(/^\[|\]$/g, ''), port: Number(url.port || 80) };
    const asked = this.#record('absolute', request, destination);
    if (!this.#admits(asked)) {
      response.writeHead(407, { 'Proxy-Authenticate': 'Basic realm="lab"' }).end();
      return;
    }
    const onward = http.request({
      createConnection: () => this.#listener.own(connectTo(destination, asked.exit)),
      method: request.method ?? 'GET',
      path: url.pathname + url.search,
      headers: withoutHopByHop(request.headers),
    });
    onward.once('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
    onward.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, withoutHopByHop(answer.headers));
      answer.once('error', () => response.destroy());
      answer.pipe(response);
    });
    response.once('close', () => onward.destroy());
    request.pipe(onward);
  }

  #admits({ credentials: shown }: ProxyRequest): boolean {
    const { credentials: lock, anyUser } = this.#options;
    return admits(lock, anyUser && lock && shown ? { ...shown, user: lock.user } : shown);
  }

  #refusal({ host, port }: Destination): number | undefined {
    const refused = this.#options.refuseConnect;
    if (refused === undefined) return undefined;
    const { status, ports, hosts } = refused;
    const refuses = (ports === 'all' || ports.includes(port)) && (hosts === undefined || hosts.includes(host));
    return refuses ? status : undefined;
  }

  #record(form: 'connect' | 'absolute', request: http.IncomingMessage, destination: Destination): ProxyRequest {
    const credentials = basicCredentials(request.headers['proxy-authorization']);
    const connection = this.#listener.connections.of(request.socket);
    const asked: ProxyRequest = {
      form,
      ...destination,
      ...(credentials && { credentials }),
      ...(connection && { connection }),
      ...(this.#options.exit !== undefined && { exit: this.#options.exit }),
      ...(this.#options.exits === 'each-tunnel' && { exit: exitAddress(++this.#exits) }),
    };
    this.requests.push(asked);
    return asked;
  }
}

function reply(status: number): string {
  const challenge = status === 407 ? 'Proxy-Authenticate: Basic realm="lab"\r\n' : '';
  return `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\n${challenge}Content-Length: 0\r\nConnection: close\r\n\r\n`;
}

const HOP_BY_HOP = new Set([
  'proxy-authorization',
  'proxy-connection',
  'connection',
  'keep-alive',
  'transfer-encoding',
]);

function withoutHopByHop(headers: http.IncomingHttpHeaders): http.OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)));
}
