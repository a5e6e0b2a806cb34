import http, { type ClientRequest, type IncomingMessage, type RequestOptions, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { Outcome } from '@fairlead/core';
import { Exchange, viaOf, type AgentCache, type LeasedAgents } from '@fairlead/dial';
import { answerHeadOf, InterimAnswers, type InterimAnswer } from './answer-head.js';
import { passedOn, passedOnTrailers } from './headers.js';
import type { Passage, Permit } from './passage.js';
import { failureUnguarded, Refusal, refusalOf } from './refusal.js';
import type { DirectAgents } from './direct.js';
import type { RequestBody } from './request-body.js';
import type { Asked, Framing } from './request-check.js';

/** One request of a client's, ready to go. */
export interface Parcel {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly asked: Asked;
  readonly framing: Framing;
  readonly body: RequestBody;
  /** May be sent over a connection that others have used before: a late close then costs no more than another try. */
  readonly repeatable: boolean;
  readonly shows: readonly 'attempts'[];
}

export interface Carriers {
  readonly agents: AgentCache;
  readonly direct: DirectAgents;
}

/** What came of an attempt. */
export type Delivery = 'again' | { readonly status: number; readonly bytes: number };

/** One attempt: the request goes out over one permit, and its answer, if any, to the client. */
export class ForwardAttempt {
  readonly #parcel: Parcel;
  readonly #passage: Passage;
  readonly #exchange: Exchange;
  readonly #outgoing: ClientRequest;
  readonly #leased: LeasedAgents | undefined;
  readonly #since = performance.now();
  readonly #settle: { resolve: (delivery: Delivery) => void; reject: (error: Error) => void };
  readonly #sent: (() => void) | undefined;
  #received = 0;
  #answer: IncomingMessage | undefined;
  #over = false;

  static run(parcel: Parcel, permit: Permit, passage: Passage, carriers: Carriers): Promise<Delivery> {
    return new Promise((resolve, reject) => {
      new ForwardAttempt(parcel, permit, passage, carriers, { resolve, reject }).#start();
    });
  }

  private constructor(
    parcel: Parcel,
    permit: Permit,
    passage: Passage,
    { agents, direct }: Carriers,
    settle: { resolve: (delivery: Delivery) => void; reject: (error: Error) => void },
  ) {
    this.#parcel = parcel;
    this.#passage = passage;
    this.#settle = settle;
    this.#exchange = new Exchange(permit);
    const { onRequest } = this.#exchange;
    const { endpoint, session, dialMs: timeoutMs } = permit;
    const reuse = parcel.repeatable ? {} : { reuse: 'none' as const };
    const terms = { onRequest, timeoutMs, ...reuse, ...(session === undefined ? {} : { session }) };
    this.#leased = endpoint && agents.lease(endpoint, terms);
    const { secure } = parcel.asked;
    const pair = this.#leased ?? (permit.reuse === true ? direct.kept : direct.fresh);
    this.#sent = permit.sent;
    this.#outgoing = (secure ? https : http).request(optionsOf(parcel, secure ? pair.https : pair.http));
    if (endpoint === undefined) onRequest(this.#outgoing);
  }

  /** The client has gone, or broke a limit: nobody else is to blame. */
  readonly abandon = (): void => {
    if (this.#over) return;
    this.#over = true;
    this.#outgoing.destroy();
    this.#passage.ended({ kind: 'abandoned', elapsedMs: this.#elapsed });
    this.#finish();
    this.#settle.resolve({ status: 499, bytes: this.#received });
  };

  get #elapsed(): number {
    return performance.now() - this.#since;
  }

  #start(): void {
    const outgoing = this.#outgoing;
    const { request, response, body } = this.#parcel;
    const interim = new InterimAnswers(request, response);
    response.on('close', this.abandon);
    // Behind a head it is the answer that broke, or what followed an answer that was complete.
    outgoing.on('error', (error) => {
      if (this.#answer === undefined) this.#failed(error);
      else if (!this.#answer.complete) this.#broke(error);
    });
    outgoing.on(
      'response',
      this.#guarded((incoming: IncomingMessage) => this.#answered(incoming)),
    );
    outgoing.on(
      'information',
      this.#guarded((answer: InterimAnswer) => interim.tell(answer)),
    );
    // Node ends some connections without a word, those of a target that changes protocols say.
    outgoing.on('close', () => this.#over || this.#answer || this.#failed(hungUp()));
    if (!body.exists) outgoing.end();
    else outgoing.once('socket', (socket) => feedOnce(socket, () => body.feed(outgoing, this.#sent)));
  }

  /** Called from within Node's parser: what throws there ends the process. */
  #guarded<T>(listener: (message: T) => void): (message: T) => void {
    return (message) => {
      try {
        listener(message);
      } catch (error) {
        this.#failed(error as Error);
        this.#outgoing.destroy();
      }
    };
  }

  #answered(incoming: IncomingMessage): void {
    if (this.#over) return void incoming.destroy();
    this.#answer = incoming;
    // Whatever becomes of it, its errors are heard.
    incoming.on('error', (error) => this.#broke(error)).on('close', () => this.#over || this.#broke(hungUp()));
    const { status, reason, headers } = answerHeadOf(incoming);
    const { body, response, request, shows } = this.#parcel;
    const outcome = outcomeOf(incoming, this.#elapsed);
    if (this.#passage.answered(outcome, body.isWhole)) {
      this.#over = true;
      // What is left of it is nobody's; a connection that has to be read to its end first is not worth keeping.
      incoming.destroy();
      this.#finish();
      this.#settle.resolve('again');
      return;
    }
    if (shows.includes('attempts')) headers.push('X-Fairlead-Attempts', String(this.#passage.attempts));
    // An answer that came before the whole request leaves the rest of it unread: that connection serves no other.
    if (!request.complete && body.exists) response.shouldKeepAlive = false;
    if (reason === undefined) response.writeHead(status, headers);
    else response.writeHead(status, reason, headers);
    this.#deliver(incoming, status, outcome);
  }

  #deliver(incoming: IncomingMessage, status: number, outcome: Outcome): void {
    const { response } = this.#parcel;
    incoming.on('data', (chunk: Buffer) => {
      this.#received += chunk.length;
      if (!response.write(chunk)) incoming.pause();
    });
    response.on('drain', () => incoming.resume());
    incoming.on(
      'end',
      this.#guarded(() => {
        if (this.#over) return;
        if (incoming.rawTrailers.length > 0) response.addTrailers(passedOnTrailers(incoming.rawTrailers));
        this.#over = true;
        response.end();
        if (!this.#parcel.request.complete) this.#outgoing.destroy();
        this.#passage.ended(outcome);
        this.#finish();
        this.#settle.resolve({ status, bytes: this.#received });
      }),
    );
  }

  /** The answer broke off: the client has seen its head, so that all it can be told is the same. */
  #broke(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#passage.ended(this.#exchange.failure(error, this.#elapsed, { response: true }));
    this.#finish();
    this.#parcel.response.destroy();
    this.#settle.resolve({ status: 502, bytes: this.#received });
  }

  #failed(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    const { body } = this.#parcel;
    const failure = failureUnguarded(error, this.#exchange.failure(error, this.#elapsed));
    // Without a proxy, only a connection that was used before may have been closed for no fault of the request's.
    const mayRepeat = body.isWhole && (this.#leased !== undefined || this.#outgoing.reusedSocket);
    const again = this.#passage.failed(failure, mayRepeat);
    this.#finish();
    if (again) this.#settle.resolve('again');
    else this.#settle.reject(refusalOfFailure(error));
  }

  #finish(): void {
    const { response, body } = this.#parcel;
    response.off('close', this.abandon);
    body.stop();
    this.#leased?.close();
  }
}

const MAX_HEAD = 64 * 1024;

function optionsOf({ request, asked, framing }: Parcel, agent: http.Agent): RequestOptions {
  const { destination, path, hostHeader } = asked;
  const headers = passedOn(request.rawHeaders, 'host', ['Host', hostHeader]);
  // Framing is made anew: as it was announced, whatever came of it on the way here.
  if (framing.chunked) headers.push('Transfer-Encoding', 'chunked');
  else if (framing.length === undefined && mayHaveBody(request)) headers.push('Content-Length', '0');
  return {
    agent,
    method: request.method ?? 'GET',
    path,
    host: destination.host,
    port: destination.port,
    headers: headers as unknown as http.OutgoingHttpHeaders,
    maxHeaderSize: MAX_HEAD,
    insecureHTTPParser: false,
  };
}

/** Methods to which Node would add an empty chunked body of its own. */
function mayHaveBody({ method }: IncomingMessage): boolean {
  return !['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE'].includes(method ?? '');
}

function feedOnce(socket: Socket, feed: () => void): void {
  const { secureConnecting } = socket as { secureConnecting?: boolean };
  if (secureConnecting === true) socket.once('secureConnect', feed);
  else feed();
}

function outcomeOf(incoming: IncomingMessage, latencyMs: number): Outcome {
  const via = viaOf(incoming);
  const headers = {
    get: (name: string): string | undefined => {
      const value = incoming.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
  };
  return { kind: 'response', status: incoming.statusCode ?? 0, latencyMs, headers, ...(via && { via }) };
}

function hungUp(): Error {
  return Object.assign(new Error('the connection ended without an answer'), { code: 'ECONNRESET' });
}

function refusalOfFailure(error: NodeJS.ErrnoException): Refusal {
  const refusal = refusalOf(error);
  if (refusal.code !== 'INTERNAL') return refusal;
  if (error.code === 'ETIMEDOUT') return new Refusal(504, 'TARGET_TIMEOUT', 'no answer came in time');
  return new Refusal(502, 'TARGET_FAILED', 'the connection to the target failed before it answered');
}
