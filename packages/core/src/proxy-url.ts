import { ConfigurationError } from './errors.js';

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
 * and bracketed IPv6. Percent escapes are decoded once, and only in the forms with `@`.
 */
export function parseProxyUrl(text: string, context: ProxyUrlContext): ProxyUrl {
  const trimmed = text.trim();
  const [, prefix, rest] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(trimmed) ?? [];
  const scheme = readScheme(prefix, context);
  const parts = splitAtSign(rest ?? '') ?? splitColons(rest ?? '');
  if (parts === undefined) throw invalid(context, 'is not a proxy address; expected host:port or scheme://host:port');
  const host = normalizeHost(parts.host);
  if (host === undefined) throw invalid(context, 'has a host that is neither a name nor an address');
  const port = parts.port === undefined && prefix !== undefined ? DEFAULT_PORTS[scheme] : Number(parts.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw invalid(context, 'needs a port from 1 to 65535');
  return new ProxyUrl({ scheme, host, port, credentials: checkCredentials(scheme, parts.credentials, context) });
}

/** The same address with other credentials, for input that keeps them apart from the URL. Taken as they are. */
export function withCredentials(url: ProxyUrl, credentials: ProxyCredentials, context: ProxyUrlContext): ProxyUrl {
  const checked = checkCredentials(url.scheme, credentials, context);
  return new ProxyUrl({ scheme: url.scheme, host: url.host, port: url.port, credentials: checked });
}

export function readScheme(prefix: string | undefined, context: ProxyUrlContext): ProxyScheme {
  if (prefix === undefined) return context.scheme ?? 'http';
  const scheme = prefix.toLowerCase() === 'socks' ? 'socks5h' : prefix.toLowerCase();
  const known = PROXY_SCHEMES.find((candidate) => candidate === scheme);
  // The text before `://` may be half a password (`user:pa://ss@host`): it is not repeated.
  if (known === undefined) throw invalid(context, `has an unknown scheme; known are ${PROXY_SCHEMES.join(', ')}`);
  return known;
}

interface RawParts {
  readonly host: string;
  readonly port: string | undefined;
  readonly credentials: ProxyCredentials | undefined;
}

function splitAtSign(rest: string): RawParts | undefined {
  // The last @ separates, so that a password may hold an unescaped one; a slash after the port is common in lists.
  const at = rest.lastIndexOf('@');
  const authority = splitAuthority(rest.slice(at + 1).replace(/\/$/, ''));
  if (authority === undefined) return undefined;
  if (at < 0) return { ...authority, credentials: undefined };
  const [username, ...password] = rest.slice(0, at).split(':');
  const credentials = { username: decodeOnce(username ?? ''), password: decodeOnce(password.join(':')) };
  return { ...authority, credentials };
}

function splitColons(rest: string): RawParts | undefined {
  const match = /^(\[[^\]]+\]|[^:@/]+):(\d+):([^:]*):(.*)$/s.exec(rest);
  if (match === null) return undefined;
  const [, host = '', port, username = '', password = ''] = match;
  return { host, port, credentials: { username, password } };
}

function splitAuthority(text: string): { host: string; port: string | undefined } | undefined {
  const match = /^(\[[^\]]+\]|[^:/?#\s[\]]+)(?::(\d{1,5}))?$/.exec(text);
  return match === null ? undefined : { host: match[1] ?? '', port: match[2] };
}

function normalizeHost(host: string): string | undefined {
  // The platform's parser knows IDNA and every spelling of an address; it also rejects forbidden characters.
  const url = URL.canParse(`http://${host}/`) ? new URL(`http://${host}/`) : undefined;
  if (url === undefined || url.pathname !== '/' || url.hostname === '') return undefined;
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

function checkCredentials(
  scheme: ProxyScheme,
  credentials: ProxyCredentials | undefined,
  context: ProxyUrlContext,
): ProxyCredentials | undefined {
  if (credentials === undefined || (credentials.username === '' && credentials.password === '')) return undefined;
  const { username, password } = credentials;
  if (CONTROL.test(username) || CONTROL.test(password))
    throw invalid(context, 'has a control character in its credentials');
  if (scheme.startsWith('http') && username.includes(':')) {
    throw invalid(context, 'has a colon in its user name, which HTTP basic authentication cannot carry');
  }
  if (scheme.startsWith('socks') && [username, password].some((text) => Buffer.byteLength(text) > 255)) {
    throw invalid(context, 'has a user name or password over 255 bytes, which SOCKS cannot carry');
  }
  return { username, password };
}

function invalid(context: ProxyUrlContext, problem: string): ConfigurationError {
  return new ConfigurationError('INVALID_PROXY', context.item, problem);
}
