import type { Socket } from 'node:net';
import { connectTo, exitAddress } from '../net/destination.js';
import type { Destination } from '../net/destination.js';
import { labServer, Listener } from '../net/listener.js';
import { connected, relay } from '../net/relay.js';
import { admits, userinfo } from './credentials.js';
import type { Credentials } from './credentials.js';
import type { ProxyRequest, ProxyServer } from './proxy-request.js';
import * as wire from './socks-wire.js';

export interface SocksProxyOptions {
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** Demands a user and password of SOCKS 5 clients; of SOCKS 4 clients the user alone, which is all they can send. */
  readonly credentials?: Credentials;
  /** The scheme of the URL. The server itself speaks all of them. @default 'socks5h' */
  readonly scheme?: 'socks4' | 'socks4a' | 'socks5' | 'socks5h';
  /** `each-tunnel` leaves from a new loopback address every time. @default 'one' */
  readonly exits?: 'one' | 'each-tunnel';
  /** The loopback address it leaves from, such as 127.78.0.1: a target can tell by it who it was. */
  readonly exit?: string;
}

/** Starts a SOCKS proxy that works: versions 4, 4A and 5, CONNECT only. */
export async function startSocksProxy(options: SocksProxyOptions = {}): Promise<ProxyServer> {
  const requests: ProxyRequest[] = [];
  const listener = await Listener.open(options.host ?? '127.0.0.1', (client, listener) => {
    // A client that leaves in mid-handshake is no error here.
    new SocksClient(client, listener, options, requests).serve().catch(() => client.destroy());
  });
  const url = `${options.scheme ?? 'socks5h'}://${userinfo(options.credentials)}${listener.authority}`;
  return Object.assign(labServer(listener, url), { requests });
}

class SocksClient {
  readonly #client: Socket;
  readonly #listener: Listener;
  readonly #options: SocksProxyOptions;
  readonly #requests: ProxyRequest[];

  constructor(client: Socket, listener: Listener, options: SocksProxyOptions, requests: ProxyRequest[]) {
    this.#client = client;
    this.#listener = listener;
    this.#options = options;
    this.#requests = requests;
  }

  async serve(): Promise<void> {
    const version = await wire.readVersion(this.#client);
    if (version === 5) await this.#serve5();
    else if (version === 4) await this.#serve4();
    else this.#client.destroy();
  }

  async #serve5(): Promise<void> {
    const offered = await wire.readMethods(this.#client);
    const method = this.#options.credentials ? wire.USER_PASSWORD : wire.NO_AUTH;
    if (!offered.includes(method)) {
      this.#client.end(wire.methodReply(wire.NO_ACCEPTABLE_METHOD));
      return;
    }
    this.#client.write(wire.methodReply(method));
    const shown = method === wire.USER_PASSWORD ? await wire.readUserPassword(this.#client) : undefined;
    if (shown) {
      const admitted = admits(this.#options.credentials, shown);
      this.#client.write(wire.authReply(admitted ? 0 : 1));
      if (!admitted) {
        this.#client.end();
        return;
      }
    }
    const { command, ...destination } = await wire.readRequest(this.#client);
    if (command !== 1) this.#client.end(wire.socks5Reply(7));
    else
      this.#connect(this.#record('socks5', destination, shown), wire.socks5Reply(0), (e) =>
        wire.socks5Reply(wire.socks5Code(e)),
      );
  }

  async #serve4(): Promise<void> {
    const { user, named, ...destination } = await wire.readSocks4Request(this.#client);
    const asked = this.#record(named ? 'socks4a' : 'socks4', destination, { user, password: '' });
    if (this.#options.credentials && this.#options.credentials.user !== user) this.#client.end(wire.socks4Reply(93));
    else this.#connect(asked, wire.socks4Reply(90), () => wire.socks4Reply(91));
  }

  #connect(asked: ProxyRequest, granted: Buffer, refused: (error: NodeJS.ErrnoException) => Buffer): void {
    const upstream = this.#listener.own(connectTo(asked, asked.exit));
    connected(this.#client, upstream, {
      failed: (error) => this.#client.end(refused(error)),
      ready: () => {
        this.#client.write(granted);
        relay(this.#client, upstream);
      },
    });
  }

  #record(form: ProxyRequest['form'], destination: Destination, credentials: Credentials | undefined): ProxyRequest {
    const connection = this.#listener.connections.of(this.#client);
    const asked: ProxyRequest = {
      form,
      ...destination,
      ...(credentials && { credentials }),
      ...(connection && { connection }),
      ...(this.#options.exit !== undefined && { exit: this.#options.exit }),
      ...(this.#options.exits === 'each-tunnel' && { exit: exitAddress(this.#requests.length + 1) }),
    };
    this.#requests.push(asked);
    return asked;
  }
}
