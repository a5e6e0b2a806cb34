import { ConfigurationError } from './errors.js';
import { ofType } from './option-check.js';
import { knownScheme, PROXY_SCHEMES, readProxyUrl, type ProxyScheme, type ProxyUrl } from './proxy-url.js';

export interface ProxyList {
  readonly urls: readonly ProxyUrl[];
  /** The first hundred lines that could not be read, in order; each names its line and shows none of its text. */
  readonly errors: readonly ConfigurationError[];
  /** How many lines could not be read in all. */
  readonly unreadable: number;
}

const MAX_LINE = 512;
/** A list of half a million wrong lines is not worth as many errors. */
const MAX_ERRORS = 100;

/**
 * Reads a proxy list: one address a line in any form `parseProxyUrl` knows; blank lines and `#` comments are skipped; a
 * line that is only a scheme (`socks5://`) says what the bare addresses after it are.
 */
export function parseProxyList(text: string, options: { readonly scheme?: ProxyScheme } = {}): ProxyList {
  ofType(text, 'string', 'list');
  const urls: ProxyUrl[] = [];
  const errors: ConfigurationError[] = [];
  let scheme = checkedScheme(options.scheme);
  let unreadable = 0;
  for (const [index, raw] of text.split(/\r\n|\n|\r/).entries()) {
    const line = withoutComment(raw);
    if (line === '') continue;
    const read = readLine(line, scheme);
    if (typeof read === 'object') urls.push(read);
    else if (isScheme(read)) scheme = read;
    else {
      unreadable += 1;
      if (errors.length < MAX_ERRORS) errors.push(new ConfigurationError('INVALID_PROXY', `line ${index + 1}`, read));
    }
  }
  return { urls, errors, unreadable };
}

/** An address, a scheme for the lines to come, or what is wrong. */
function readLine(line: string, scheme: ProxyScheme): ProxyUrl | ProxyScheme | string {
  if (line.length > MAX_LINE) return `is over ${MAX_LINE} characters`;
  const bare = /^([a-z][a-z0-9]*):\/\/$/i.exec(line)?.[1];
  if (bare === undefined) return readProxyUrl(line, scheme);
  return knownScheme(bare) ?? `has an unknown scheme; known are ${PROXY_SCHEMES.join(', ')}`;
}

function isScheme(read: string): read is ProxyScheme {
  return (PROXY_SCHEMES as readonly string[]).includes(read);
}

function checkedScheme(scheme: ProxyScheme = 'http'): ProxyScheme {
  if (isScheme(scheme)) return scheme;
  throw new ConfigurationError('INVALID_OPTION', 'scheme', `is unknown; known are ${PROXY_SCHEMES.join(', ')}`);
}

function withoutComment(line: string): string {
  return line
    .slice(0, 2 * MAX_LINE)
    .replace(/^\uFEFF/, '')
    .replace(/(?:^|\s)(?:#|\/\/).*$/, '')
    .trim();
}
