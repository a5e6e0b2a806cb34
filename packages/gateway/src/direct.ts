import { connect, type LookupFunction, type Socket } from 'node:net';
import type { Inlet } from '@fairlead/dial';
import type { Cancellation } from './cancellation.js';
import type { Destination } from './destination.js';
import { Refusal } from './refusal.js';

interface DirectTerms {
  readonly lookup: LookupFunction;
  readonly inlet: Inlet;
  readonly signal: Cancellation;
  readonly timeoutMs: number;
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
