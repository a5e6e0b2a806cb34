import type { AxiosInterceptorManager, InternalAxiosRequestConfig } from 'axios';

type Requests = AxiosInterceptorManager<InternalAxiosRequestConfig>;
interface Handler {
  readonly fulfilled: unknown;
}
/** What every axios since 1.0 has, and its types do not tell. */
interface Walked {
  readonly handlers: Handler[];
  forEach?: (visit: (handler: Handler) => void) => void;
}

/** An interceptor that has both the first and the last word. */
export interface Guard {
  /** What `interceptors.request.eject` takes. */
  readonly number: number;
  readonly ejected: boolean;
  eject(): void;
}

/**
 * Registers `wrap` so that it runs before all other request interceptors and after them, whenever those are registered:
 * one that sets an adapter of its own last would connect directly.
 */
export function guardEnds(
  requests: Requests,
  wrap: (config: InternalAxiosRequestConfig) => InternalAxiosRequestConfig,
): Guard {
  // Synchronous, or the user's synchronous interceptors would become asynchronous by ours. It must not throw: axios sends
  // the request all the same when a synchronous interceptor does.
  const number = requests.use(wrap, null, { synchronous: true });
  const walked = requests as unknown as Walked;
  // `clear` puts another list in this one's place. It takes off what the user has put on, and not the pool.
  const { handlers } = walked;
  const own = handlers.at(-1)!;
  const guard: Guard = {
    number,
    get ejected() {
      return !handlers.includes(own);
    },
    eject() {
      const at = handlers.indexOf(own);
      requests.eject(number);
      // After a `clear` the number means nothing any more.
      if (handlers[at] === own) handlers.splice(at, 1);
    },
  };
  walked.forEach = (visit) => {
    const others = (handler: Handler): void => void (handler !== own && visit(handler));
    if (!guard.ejected) visit(own);
    (Object.getPrototypeOf(walked) as Required<Walked>).forEach.call(walked, others);
    if (!guard.ejected) visit(own);
  };
  return guard;
}
