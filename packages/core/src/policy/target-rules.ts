import { ConfigurationError } from '../errors.js';

/** Decides on a destination; compiled once from the user's pattern. */
export type TargetMatcher = (url: URL) => boolean;

/**
 * Compiles a pattern: `shop.example` (that host), `.shop.example` (it and everything under it), `*.shop.example` (only
 * what is under it), `api-*.shop.example`, `*`; each with an optional `:port` and an optional `/path` prefix. Matching is
 * anchored on both sides and takes linear time for any pattern a user writes; a RegExp can only come from code.
 */
export function compileTargetPattern(pattern: string | RegExp, item: string): TargetMatcher {
  // A `g` or `y` expression remembers where it stopped: every other match would fail.
  if (pattern instanceof RegExp) return matchOwn(new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')));
  if (typeof pattern !== 'string')
    throw new ConfigurationError('INVALID_OPTION', item, 'must be a pattern or a RegExp');
  const parts = /^(?<host>[^/:[\]\s]+|\[[0-9a-f:.]+\])(?::(?<port>\d{1,5}))?(?<path>\/[^\s?#]*)?$/i.exec(
    pattern,
  )?.groups;
  if (parts === undefined) {
    throw new ConfigurationError(
      'INVALID_OPTION',
      item,
      'must be a host pattern such as shop.example, .shop.example or *.shop.example',
    );
  }
  const wanted = onTheWire(parts['host'] ?? '');
  if (!isAscii(wanted)) {
    throw new ConfigurationError('INVALID_OPTION', item, 'can have letters beyond ASCII only in labels without a star');
  }
  const host = hostMatcher(wanted);
  const { port, path } = parts;
  return (url) =>
    host(url.hostname.replace(/\.$/, '')) &&
    (port === undefined || portOf(url) === port) &&
    (path === undefined || underPath(url, path));
}

function matchOwn(expression: RegExp): TargetMatcher {
  return ({ host }) => expression.test(host);
}

function hostMatcher(wanted: string): (hostname: string) => boolean {
  if (wanted === '*') return () => true;
  if (wanted.startsWith('.')) return (host) => host.endsWith(wanted) || host === wanted.slice(1);
  if (wanted.includes('*')) return (host) => globMatches(wanted, host);
  return (host) => host === wanted;
}

/** As hosts are written on the wire, where a parser can tell: labels with a star in them stay as they are. */
function onTheWire(pattern: string): string {
  const bare = pattern.toLowerCase().replace(/(?<=[^.])\.$/, '');
  const [, stars = '', rest = ''] = /^(\.|(?:[^.]*\*[^.]*\.)*)(.*)$/s.exec(bare) ?? [];
  // What follows a star or a dot is no host by itself: 127 would be read as an address.
  if (rest === '' || (stars !== '' && isAscii(rest)) || !URL.canParse(`http://${rest}`)) return bare;
  return stars + new URL(`http://${rest}`).hostname;
}

function isAscii(text: string): boolean {
  return /^[ -~]*$/.test(text);
}

/** `*` stands for one character or more. Remembers only the last star, so that no pattern makes it try for long. */
export function globMatches(pattern: string, text: string): boolean {
  let [at, mark, star, resume] = [0, 0, -1, 0];
  while (at < text.length) {
    if (mark < pattern.length && pattern[mark] === '*') {
      star = mark;
      mark += 1;
      at += 1;
      resume = at;
    } else if (mark < pattern.length && pattern[mark] === text[at]) {
      mark += 1;
      at += 1;
    } else if (star >= 0) {
      resume += 1;
      at = resume;
      mark = star + 1;
    } else {
      return false;
    }
  }
  return mark === pattern.length;
}

function portOf({ port, protocol }: URL): string {
  if (port !== '') return port;
  return protocol === 'http:' || protocol === 'ws:' ? '80' : '443';
}

/** `/api` covers `/api` and `/api/x`, not `/apis`. */
function underPath({ pathname }: URL, prefix: string): boolean {
  if (!pathname.startsWith(prefix)) return false;
  return prefix.endsWith('/') || pathname.length === prefix.length || pathname[prefix.length] === '/';
}
