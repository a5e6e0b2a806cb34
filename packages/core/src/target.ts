import { ConfigurationError } from './errors.js';

declare const brand: unique symbol;
/** The key health is kept by: the destination's host, with its port where that is not the scheme's own, or a rule's name. */
export type Target = string & { readonly [brand]: 'Target' };

/** Reads the destination of a request: a URL, or a bare `host` or `host:port`. */
export function toTarget(input: string | URL): Target {
  if (typeof input !== 'string') return urlTarget(input);
  return plainTarget(input) ?? originTarget(input) ?? targetOf(toTargetUrl(input));
}

/** The key of a URL that is no more than an origin is looked up by the whole of it: to take it apart costs more. */
function urlTarget(url: URL): Target {
  const { href } = toUrl(url);
  // No other key ends like this: what is no host cannot be taken for one.
  const found = href.endsWith('/') ? known.get(href) : undefined;
  if (found !== undefined) return found;
  const target = targetOf(toTargetUrl(url));
  return href === `${url.protocol}//${url.host}/` ? keep(href, target) : target;
}

/** Scheme and authority, which alone make the key: of this form nothing before the path ends them elsewhere. */
const ORIGIN = /^https?:\/\/[a-z0-9.:[\]-]+(?=[/?#]|$)/i;

/**
 * Keys by themselves, and by origins as they were written: most requests go to few of them. A key that was cut out of a URL
 * would keep all of that in memory, with what stands in its path.
 */
const known = new Map<string, Target>();
const MOST_KNOWN = 10_000;

function kept(key: string): Target {
  return known.get(key) ?? keep(key, detached(key) as Target);
}

function keep(as: string, target: Target): Target {
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(detached(as), target);
  return target;
}

/** The same letters, in a string of their own. */
function detached(text: string): string {
  return Array.from(text).join('');
}

/** The key of an origin that is not plain, such as one with a port; parsed once. Undefined of what is no such URL. */
function originTarget(input: string | URL): Target | undefined {
  const origin = typeof input === 'string' ? ORIGIN.exec(input)?.[0] : undefined;
  if (origin === undefined) return undefined;
  return known.get(origin) ?? keep(origin, targetOf(toTargetUrl(origin)));
}

/** The key of a URL's host. A trailing dot names the same host, and must not be a way around what holds for it. */
export function targetOf({ host, hostname, port }: URL): Target {
  if (!hostname.endsWith('.')) return kept(host);
  const bare = hostname.replace(/\.+$/, '');
  return kept(port === '' ? bare : `${bare}:${port}`);
}

/** A host that needs no parser to be read: plain labels, the last of them no number, no port, nobody before it. */
const PLAIN = /^https?:\/\/((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,63})(?:[/?#]|$)/;

/** The key of a plain URL without parsing all of it, which costs more than to choose an endpoint; undefined of any other. */
export function plainTarget(input: string | URL): Target | undefined {
  if (typeof input !== 'string') return undefined;
  const host = PLAIN.exec(input)?.[1];
  // Labels of this form are decoded and may be refused.
  return host === undefined || host.length > LONGEST_HOST || host.includes('xn--') ? undefined : kept(host);
}

/** No name that resolves is longer; targets are remembered, and a redirect may name any. */
const LONGEST_HOST = 300;

export function toTargetUrl(input: string | URL): URL {
  const url = toUrl(typeof input === 'string' ? parse(input) : input);
  if (url.host === '' || url.host.length > LONGEST_HOST) throw invalid();
  return url;
}

function toUrl(input: unknown): URL {
  if (input instanceof URL) return input;
  throw invalid();
}

/** A URL may carry a token in its path or query: it is not repeated. */
function invalid(): ConfigurationError {
  return new ConfigurationError('INVALID_TARGET', 'target', 'must be a URL or a host name');
}

function parse(text: string): URL | undefined {
  // A bare host:80 is the host's plain port, which a key does not name.
  const scheme = text.endsWith(':80') ? 'http' : 'https';
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `${scheme}://${text}`;
  try {
    return new URL(full);
  } catch {
    // `URL.canParse` of Node 20, once it is compiled, refuses hosts with letters such as É.
    return undefined;
  }
}
