import type { ProxyUrl } from '../proxy-url.js';

/** As much of an error as tells whether the connection to the proxy was made. */
export interface ConnectError {
  readonly code?: unknown;
  readonly name?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
  readonly syscall?: unknown;
  readonly port?: unknown;
  readonly hostname?: unknown;
  readonly message?: unknown;
}

/** Causes of causes that are looked into. */
const DEEPEST = 5;

/** The connection to the proxy was not made, so that nothing was sent: the error, or what caused it, or each of several. */
export function unreached(error: ConnectError, proxy: ProxyUrl, depth = DEEPEST): ConnectError | undefined {
  const own = isUnreached(error, proxy);
  if (own !== undefined) return own ? error : undefined;
  if (depth === 0) return undefined;
  const { cause, errors } = error;
  if (Array.isArray(errors) && errors.length > 0) {
    const each = errors.map((one) => unreached(Object(one), proxy, depth - 1));
    return each.includes(undefined) ? undefined : each[0];
  }
  return cause === undefined || cause === null ? undefined : unreached(Object(cause), proxy, depth - 1);
}

/**
 * Whether the error itself tells of a connection that was not made, to the proxy (true) or to something else that the attempt
 * wanted, such as a database of its own (false); undefined where it tells of none.
 */
function isUnreached({ syscall, code, port, hostname, message }: ConnectError, proxy: ProxyUrl): boolean | undefined {
  if (syscall === 'connect') return port === undefined || port === proxy.port;
  if (syscall === 'getaddrinfo') return hostname === proxy.host;
  // Undici says which addresses it had tried in the message alone.
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return attempted(String(message)).every((one) => one === proxy.port);
  return undefined;
}

/** The ports of the addresses that were tried; one that is none where they are not told. */
function attempted(message: string): readonly number[] {
  const list = /\(attempted address(?:es)?: ([^()]+), timeout/.exec(message)?.[1] ?? '';
  return list.split(', ').map((address) => Number(/:(\d{1,5})$/.exec(address)?.[1]));
}
