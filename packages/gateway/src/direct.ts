import http from 'node:http';
import https from 'node:https';
import { connect, type LookupFunction, type Socket } from 'node:net';
import type { Agents, Inlet, TargetTlsOptions } from '@fairlead/dial';
import type { Cancellation } from './cancellation.js';
import type { Destination } from './destination.js';
import { Refusal } from './refusal.js';

interface DirectTerms {
  readonly lookup: LookupFunction;
  readonly inlet: Inlet;
  readonly signal: Cancellation;
  readonly timeoutMs: number;
}

/** For requests without a proxy. */
export interface DirectAgents {
  /** Keeps connections, for what may be sent again. */
  readonly kept: Agents;
  /** A connection for each request. */
  readonly fresh: Agents;
}

export function directAgents(lookup: LookupFunction, tls: TargetTlsOptions | undefined): DirectAgents {
  const pair = (options: http.AgentOptions): Agents => ({
    http: new http.Agent(options),
    https: new https.Agent({ ...options, ...tls }),
  });
  const options = { lookup } as http.AgentOptions;
  return { kept: pair({ ...options, keepAlive: true, scheduling: 'lifo' }), fresh: pair(options) };
}

/** Connects without a proxy, where a rule says so, and to no address that was not checked. */
export function connectDirect({ host, port }: Destination, terms: DirectTerms): Promise<Socket> {
  const { lookup, inlet, signal, timeoutMs } = terms;
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, lookup, autoSelectFamily: true, noDelay: true, onread: inlet.onread });
    inlet.attach(socket);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      reject(error instanceof Refusal ? error : refusalOfDirect(error));
    };
    const onAbort = (): void => fail(new Refusal(499, 'ABORTED', 'the client has gone'));
    const timer = setTimeout(
      () => fail(new Refusal(504, 'TARGET_TIMEOUT', 'the target did not answer in time')),
      timeoutMs,
    );
    signal.addEventListener('abort', onAbort);
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.off('error', fail);
      resolve(socket);
    });
  });
}

/** Without the address: whoever asks through a gateway need not learn what its names lead to. */
export function refusalOfDirect({ code }: NodeJS.ErrnoException): Refusal {
  const unknown = code === 'ENOTFOUND' || code === 'EAI_AGAIN';
  return new Refusal(502, unknown ? 'TARGET_LOOKUP' : 'TARGET_CONNECT', 'the target could not be reached directly');
}
