import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  FairleadError,
  PoolExhaustedError,
  TargetSuspendedError,
  type FailureOutcome,
  type Phase,
} from '@fairlead/core';
import { DialError } from '@fairlead/dial';

/** Why a client does not get what it asked for, in terms of HTTP. Shows no credential and nothing that a proxy said. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  /** How far the last dial had come, where a dial failed. */
  phase: Phase | undefined;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** The wire's answer to what went wrong here. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (isGuarded(error)) return privateTarget();
  if (error instanceof DialError) {
    const refusal = new Refusal(error.code === 'PROXY_TIMEOUT' ? 504 : 502, error.code, error.message);
    refusal.phase = error.phase;
    return refusal;
  }
  if (error instanceof TargetSuspendedError || error instanceof PoolExhaustedError) {
    return new Refusal(503, error.code, error.message, retryAfter(error.retryAfterMs));
  }
  if (error instanceof FairleadError) return new Refusal(STATUSES[error.code] ?? 502, error.code, error.message);
  return new Refusal(502, 'INTERNAL', 'the request could not be carried');
}

export function privateTarget(): Refusal {
  return new Refusal(403, 'PRIVATE_TARGET', 'the target is in a private network');
}

/** The guard's word on a name that is resolved here for a proxy: a dial passes on codes of Node's, and no resolver says this. */
export const GUARDED = 'EACCES';

function isGuarded(error: unknown): boolean {
  return error instanceof DialError && error.code === 'TARGET_LOOKUP' && error.nodeCode === GUARDED;
}

/** What the client may not ask for is its own doing: no exit is asked, and none is blamed. */
export function failureUnguarded(error: unknown, failure: FailureOutcome): FailureOutcome {
  return isGuarded(error) ? { ...failure, fault: 'caller' } : failure;
}

function retryAfter(ms = Number.POSITIVE_INFINITY): Record<string, string> {
  return Number.isFinite(ms) ? { 'Retry-After': String(Math.max(1, Math.ceil(ms / 1000))) } : {};
}

const STATUSES: Readonly<Record<string, number>> = {
  POOL_EXHAUSTED: 503,
  QUEUE_FULL: 503,
  SESSION_LOST: 503,
  POOL_CLOSED: 503,
  DEADLINE_EXCEEDED: 504,
  ABORTED: 499,
  INVALID_TARGET: 400,
  INVALID_OPTION: 400,
  UNKNOWN_ENDPOINT: 503,
};

/** Answers on a socket that has no response object: a tunnel that is refused, or a request that could not be read. */
export function refuseSocket(socket: Duplex, refusal: Refusal): void {
  if (!socket.writable) return void socket.destroy();
  const body = `${refusal.code}: ${refusal.message}\n`;
  const head = [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? 'Refused'}`,
    ...Object.entries(headersOf(refusal, body)).map(([name, value]) => `${name}: ${value}`),
  ];
  // A refused client may go on sending: it is read to its end, or its answer would be lost in a reset.
  socket.on('error', () => undefined).resume();
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  const impatience = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(impatience));
}

const LINGER_MS = 2000;

/** Answers a request. The connection goes with it: what the client goes on to send is nobody's. */
export function refuseRequest(response: ServerResponse, refusal: Refusal): void {
  if (response.headersSent) return void response.destroy();
  const body = `${refusal.code}: ${refusal.message}\n`;
  response.writeHead(refusal.status, headersOf(refusal, body)).end(body);
}

function headersOf({ code, headers }: Refusal, body: string): Record<string, string> {
  return {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    'X-Fairlead-Error': code,
    Connection: 'close',
    ...headers,
  };
}
