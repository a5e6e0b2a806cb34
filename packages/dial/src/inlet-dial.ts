import { Socket, type LookupFunction } from 'node:net';
import type { Endpoint } from '@fairlead/core';
import { Attempt, type Abortion } from './attempt.js';
import { authorityOf, toDestination } from './destination.js';
import { authorization, failureOfExchange, failureOfReply } from './http-tunnel.js';
import type { Inlet } from './inlet.js';
import { failureOfConnect, TCP_KEEP_ALIVE_MS, tellingCode } from './reach.js';
import { canReadReplies, ReplyReader, type Reply } from './reply-reader.js';
import type { Tracker } from './traffic.js';

interface InletTerms {
  readonly host: string;
  readonly port: number;
  readonly lookup?: LookupFunction;
  readonly signal?: Abortion;
}

/** Whether a tunnel through the endpoint is dialled this way: all that comes is for the inlet, and nobody counts it. */
export function canDialByInlet({ url }: Endpoint, { traffic }: { readonly traffic?: Tracker }): boolean {
  return canReadReplies && url.scheme === 'http' && traffic === undefined;
}

/**
 * Dials through a plain HTTP proxy for who takes the bytes past the stream: the same steps as any dial's, by the same rules, but
 * without a promise, a request object and a set of listeners for each. Most tunnels of a gateway are made here.
 */
export function dialByInlet(endpoint: Endpoint, inlet: Inlet, terms: InletTerms, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // What cannot be dialled starts no clock.
    const authority = authorityOf(toDestination(terms.host, terms.port));
    const attempt = new Attempt(timeoutMs, terms.signal);
    const dial = new InletDial(endpoint, authority, inlet, attempt, resolve);
    attempt.onFailure((error) => {
      dial.close();
      reject(error);
    });
    dial.start(terms.lookup);
  });
}

type Stage = 'connecting' | 'silent' | 'asked' | 'over';

class InletDial {
  readonly #endpoint: Endpoint;
  readonly #authority: string;
  readonly #inlet: Inlet;
  readonly #attempt: Attempt;
  readonly #stands: (socket: Socket) => void;
  readonly #socket: Socket;
  #stage: Stage = 'connecting';
  #reader: ReplyReader | undefined;

  constructor(endpoint: Endpoint, authority: string, inlet: Inlet, attempt: Attempt, stands: (socket: Socket) => void) {
    this.#endpoint = endpoint;
    this.#authority = authority;
    this.#inlet = inlet;
    this.#attempt = attempt;
    this.#stands = stands;
    const { onread } = inlet;
    // Apart from where it leads: Node copies what its constructor is given, again and again.
    const options = { onread, noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS };
    this.#socket = new Socket(options as object);
  }

  start(lookup: LookupFunction | undefined): void {
    const [attempt, socket] = [this.#attempt, this.#socket];
    if (attempt.over) return void socket.destroy();
    const inlet = this.#inlet;
    const { host, port } = this.#endpoint.url;
    attempt.own(socket);
    inlet.attach(socket);
    inlet.hear(this.#heard);
    socket.on('error', this.#failed).on('end', this.#gone).on('close', this.#gone).on('connect', this.#connected);
    attempt.guard(() => {
      const where = { host, port, autoSelectFamily: true };
      socket.connect(lookup === undefined ? where : { ...where, lookup });
    });
  }

  /** It has failed: whatever happens to its socket now is nobody's. */
  close(): void {
    this.#stage = 'over';
    this.#reader?.close();
  }

  readonly #connected = (): void => {
    this.#stage = 'silent';
    this.#attempt.enter('tunnel');
    // Two turns of the loop, as `expectSilence` gives any proxy to be caught speaking first.
    setImmediate(this.#wait);
  };

  readonly #wait = (): void => {
    setImmediate(this.#ask);
  };

  readonly #ask = (): void => {
    if (this.#stage !== 'silent') return;
    this.#stage = 'asked';
    this.#attempt.guard(() => this.#socket.write(this.#head(), 'latin1'));
  };

  #head(): string {
    const authority = this.#authority;
    const { 'proxy-authorization': login } = authorization(this.#endpoint.url.credentials());
    const own = login === undefined ? '' : `Proxy-Authorization: ${login}\r\n`;
    const kept = 'Proxy-Connection: keep-alive\r\nConnection: keep-alive\r\n';
    return `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${kept}${own}\r\n`;
  }

  readonly #heard = (chunk: Buffer): boolean => {
    const inlet = this.#inlet;
    if (this.#stage !== 'asked') {
      inlet.release(chunk);
      this.#attempt.fail(SPOKE_FIRST);
      return true;
    }
    this.#reader ??= new ReplyReader();
    const read = this.#reader.read(chunk);
    if (read instanceof Error) this.#attempt.fail(failureOfExchange(read));
    else if (read !== undefined) this.#answered(read);
    inlet.release(chunk);
    return true;
  };

  #answered({ status, headers, rest }: Reply): void {
    const failure = failureOfReply(status, status < 300 ? undefined : valuesOf(headers, 'proxy-status'));
    if (failure !== undefined) return this.#attempt.fail(failure);
    const socket = this.#socket;
    this.close();
    this.#inlet.hear(undefined);
    socket.off('error', this.#failed).off('end', this.#gone).off('close', this.#gone);
    if (rest.length > 0) socket.unshift(Buffer.from(rest));
    this.#attempt.release();
    this.#stands(socket);
  }

  readonly #failed = (error: NodeJS.ErrnoException): void => {
    if (this.#stage === 'connecting') this.#attempt.fail(failureOfConnect(tellingCode(error)));
    else if (this.#stage === 'asked') this.#attempt.fail(failureOfExchange(error));
  };

  readonly #gone = (): void => {
    if (this.#stage === 'silent') this.#attempt.fail(CLOSED_AT_ONCE);
    else if (this.#stage === 'asked') this.#attempt.fail(failureOfExchange(RESET));
  };
}

/** What Node's client says of a connection that ends before an answer. */
const RESET = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
const SPOKE_FIRST = {
  code: 'PROXY_PROTOCOL',
  fault: 'endpoint',
  message: 'the proxy spoke before it was asked',
} as const;
const CLOSED_AT_ONCE = {
  code: 'PROXY_CLOSED',
  fault: 'endpoint',
  message: 'the proxy closed the connection at once',
} as const;

function valuesOf(headers: readonly string[], name: string): string[] {
  return headers.filter((_, index) => index % 2 === 1 && headers[index - 1]!.toLowerCase() === name);
}
