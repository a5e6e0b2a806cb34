import { CallerSignal } from '@fairlead/dial';
import { AxiosError, CanceledError, type InternalAxiosRequestConfig } from 'axios';

/** Parts of axios's token that its types leave out. */
interface Subscribed {
  subscribe?(listener: () => void): void;
  unsubscribe?(listener: () => void): void;
}

/** Who has called: heard by the pool while the request has no connection by which axios would hear it. */
export class Caller {
  readonly #config: InternalAxiosRequestConfig;
  readonly #timeoutMs: number;
  readonly #ends = new CallerSignal();
  #late = false;

  constructor(config: InternalAxiosRequestConfig) {
    this.#config = config;
    this.#timeoutMs = timeoutOf(config);
    const { signal, cancelToken } = config;
    this.#ends.follow(signal);
    (cancelToken as Subscribed | undefined)?.subscribe?.(this.#cancelled);
  }

  get signal(): AbortSignal {
    return this.#ends.signal;
  }

  /** A wait for a lease, which is no longer than axios's own timeout: that one would begin with a connection. */
  async during<T>(wait: Promise<T>): Promise<T> {
    if (this.#timeoutMs === 0) return wait;
    const timer = setTimeout(() => {
      this.#late = true;
      this.#ends.abort(undefined);
    }, this.#timeoutMs);
    return wait.finally(() => clearTimeout(timer));
  }

  /** What axios itself says of a request that its caller has called off, or that took too long. */
  reason(): unknown {
    const { cancelToken, timeoutErrorMessage, transitional } = this.#config;
    if (this.#late) {
      const code = transitional?.clarifyTimeoutError ? AxiosError.ETIMEDOUT : AxiosError.ECONNABORTED;
      return new AxiosError(timeoutErrorMessage ?? `timeout of ${this.#timeoutMs}ms exceeded`, code, this.#config);
    }
    return cancelToken?.reason ?? new CanceledError(undefined, this.#config as never);
  }

  release(): void {
    this.#ends.release();
    (this.#config.cancelToken as Subscribed | undefined)?.unsubscribe?.(this.#cancelled);
  }

  readonly #cancelled = (): void => this.#ends.abort(this.#config.cancelToken?.reason);
}

/** axios takes a text too, and finds out that it is no duration when the connection is on its way, and leaves that open. */
function timeoutOf(config: InternalAxiosRequestConfig): number {
  const timeout = Number.parseInt(String(config.timeout ?? 0), 10);
  if (timeout >= 0) return timeout;
  throw new AxiosError("'timeout' is no duration", AxiosError.ERR_BAD_OPTION_VALUE, config);
}
