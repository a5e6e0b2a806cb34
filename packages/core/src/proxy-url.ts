import { ConfigurationError } from './errors.js';
import { ofType } from './option-check.js';

/** The schemes a proxy can be spoken to in. `socks` is read as `socks5h`: names resolve at the proxy. */
export const PROXY_SCHEMES = ['http', 'https', 'socks4', 'socks4a', 'socks5', 'socks5h'] as const;
export type ProxyScheme = (typeof PROXY_SCHEMES)[number];

export interface ProxyCredentials {
  readonly username: string;
  readonly password: string;
}

interface ProxyUrlParts {
  readonly scheme: ProxyScheme;
  readonly host: string;
  readonly port: number;
  readonly credentials: ProxyCredentials | undefined;
}

const DEFAULT_PORTS: Readonly<Record<ProxyScheme, number>> = {
  http: 80,
  https: 443,
  socks4: 1080,
  socks4a: 1080,
  socks5: 1080,
  socks5h: 1080,
};

/**
 * A proxy's address, parsed once. Whatever prints it (template, JSON, inspect) shows neither user name nor password;
 * only `credentials()` hands them out, and only the dialer asks.
 */
export class ProxyUrl {
  readonly scheme: ProxyScheme;
  /** Lower case, punycode, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly #credentials: ProxyCredentials | undefined;

  constructor(parts: ProxyUrlParts) {
    this.scheme = parts.scheme;
    this.host = parts.host;
    this.port = parts.port;
    this.#credentials = parts.credentials;
  }

  /** User name and password, decoded. A private field, so that no deep inspect or clone reaches them. */
  credentials(): ProxyCredentials | undefined {
    return this.#credentials;
  }

  /** `host:port` as it goes into a connect call's log line. */
  get authority(): string {
    return `${this.host.includes(':') ? `[${this.host}]` : this.host}:${this.port}`;
  }

  toString(): string {
    return `${this.scheme}://${this.authority}`;
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `ProxyUrl(${this.toString()})`;
  }
}

/** Where a proxy stands in the user's input, and what a bare `host:port` means there. */
export interface ProxyUrlContext {
  /** Named in errors, such as `proxies[3]` or `line 7`. */
  readonly item: string;
  /** @default 'http' */
  readonly scheme?: ProxyScheme;
}

/**
 * Reads `scheme://user:pass@host:port`, `host:port`, `user:pass@host:port` and `host:port:user:pass`, with IPv4, names
 * and bracketed IPv6. Percent escapes are decoded once, and only in the forms with `@`; there a `/`, `?` or `#` in a
 * password has to be escaped, as in any URL.
 */
export function parseProxyUrl(text: string, context: ProxyUrlContext = { item: 'proxy' }): ProxyUrl {
  ofType(text, 'string', context.item);
  const answer = readProxyUrl(text, context.scheme ?? 'http');
  if (typeof answer === 'string') throw invalid(context, answer);
  return answer;
}

/** The same without throwing: an address, or what is wrong with the text, in words that repeat none of it. */
export function readProxyUrl(text: string, bareScheme: ProxyScheme): ProxyUrl | string {
  const [, prefix, rest = ''] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(text.trim()) ?? [];
  const scheme = prefix === undefined ? bareScheme : knownScheme(prefix);
  if (scheme === undefined) return `has an unknown scheme; known are ${PROXY_SCHEMES.join(', ')}`;
  // First the form that could be mistaken for the other: its password may hold an @.
  const parts = splitColons(rest) ?? splitAtSign(rest);
  if (parts === undefined) return 'is not a proxy address; expected host:port or scheme://user:pass@host:port';
  const host = normalizeHost(parts.host);
  if (host === undefined) return 'has a host that is neither a name nor an address';
  const port = parts.port === undefined && prefix !== undefined ? DEFAULT_PORTS[scheme] : Number(parts.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return 'needs a port from 1 to 65535';
  const { credentials } = parts;
  const problem = credentials === undefined ? undefined : credentialProblem(scheme, credentials);
  return problem ?? new ProxyUrl({ scheme, host, port, credentials: isEmpty(credentials) ? undefined : credentials });
}

/** The same address with other credentials, for input that keeps them apart from the URL. Taken as they are. */
export function withCredentials(url: ProxyUrl, credentials: ProxyCredentials, context: ProxyUrlContext): ProxyUrl {
  const problem = credentialProblem(url.scheme, credentials);
  if (problem !== undefined) throw invalid(context, problem);
  const kept = isEmpty(credentials) ? undefined : credentials;
  return new ProxyUrl({ scheme: url.scheme, host: url.host, port: url.port, credentials: kept });
}

/** The scheme a word stands for. The text before `://` may be half a password, so that it is never repeated. */
export function knownScheme(word: string): ProxyScheme | undefined {
  const scheme = word.toLowerCase() === 'socks' ? 'socks5h' : word.toLowerCase();
  return PROXY_SCHEMES.find((candidate) => candidate === scheme);
}

interface RawParts {
  readonly host: string;
  readonly port: string | undefined;
  readonly credentials: ProxyCredentials | undefined;
}

const ADDRESS = /^\d{1,3}(?:\.\d{1,3}){3}$/;
const HOST_WITH_PORT = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[^\]]+\]):\d{1,5}$/;

function splitAtSign(rest: string): RawParts | undefined {
  // A raw / ? or # ends the authority: without this, a URL with an address in its query would be read as that address.
  if (/[/?#]/.test(rest.replace(/\/$/, ''))) return undefined;
  const at = rest.lastIndexOf('@');
  const authority = splitAuthority(rest.slice(at + 1).replace(/\/$/, ''));
  if (authority === undefined) return undefined;
  if (at < 0) return { ...authority, credentials: undefined };
  const userinfo = rest.slice(0, at);
  // The two halves the wrong way round: what stands for the host is somebody's name, and would be shown.
  if (HOST_WITH_PORT.test(userinfo)) return undefined;
  const [username, ...password] = userinfo.split(':');
  return {
    ...authority,
    credentials: { username: decodeOnce(username ?? ''), password: decodeOnce(password.join(':')) },
  };
}

/** `host:port:user:pass`. Beside an @ the host must be one beyond doubt: an address, brackets, or a name with a dot. */
function splitColons(rest: string): RawParts | undefined {
  const match = /^(\[[^\]]+\]|[^:@/?#[\]]+):(\d{1,5}):([^:]*):(.*)$/s.exec(rest);
  if (match === null) return undefined;
  const [, host = '', port, username = '', password = ''] = match;
  if (rest.includes('@') && !/[.[]/.test(host)) return undefined;
  // user:pass:host:port, which nobody asked us to read: the name would be taken for the host, and shown.
  return ADDRESS.test(username) ? undefined : { host, port, credentials: { username, password } };
}

function splitAuthority(text: string): { host: string; port: string | undefined } | undefined {
  const match = /^(\[[^\]]+\]|[^:/?#\s[\]]+)(?::(\d{1,5}))?$/.exec(text);
  return match === null ? undefined : { host: match[1] ?? '', port: match[2] };
}

function normalizeHost(host: string): string | undefined {
  // The platform's parser knows IDNA; it also rejects forbidden characters.
  const url = URL.canParse(`http://${host}/`) ? new URL(`http://${host}/`) : undefined;
  if (url === undefined || url.pathname !== '/' || url.hostname === '') return undefined;
  // 2001 and 0x7f.1 are addresses to it: in a list they are the remains of something else.
  if (ADDRESS.test(url.hostname) && url.hostname !== host) return undefined;
  return url.hostname.replace(/^\[|\]$/g, '');
}

function decodeOnce(text: string): string {
  // A lone % is common in generated passwords: what is not an escape stays as it is.
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes;
    }
  });
}

const CONTROL = /\p{Cc}/u;

function isEmpty(credentials: ProxyCredentials | undefined): boolean {
  return credentials === undefined || (credentials.username === '' && credentials.password === '');
}

function credentialProblem(scheme: ProxyScheme, { username, password }: ProxyCredentials): string | undefined {
  if (CONTROL.test(username) || CONTROL.test(password)) return 'has a control character in its credentials';
  if (scheme.startsWith('http') && username.includes(':')) {
    return 'has a colon in its user name, which HTTP basic authentication cannot carry';
  }
  const tooLong = [username, password].some((text) => Buffer.byteLength(text) > 255);
  return scheme.startsWith('socks') && tooLong
    ? 'has a user name or password over 255 bytes, which SOCKS cannot carry'
    : undefined;
}

function invalid(context: ProxyUrlContext, problem: string): ConfigurationError {
  return new ConfigurationError('INVALID_PROXY', context.item, problem);
}
