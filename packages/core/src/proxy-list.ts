import { ConfigurationError } from './errors.js';
import { parseProxyUrl, readScheme, type ProxyScheme, type ProxyUrl } from './proxy-url.js';

export interface ProxyList {
  readonly urls: readonly ProxyUrl[];
  /** Lines that could not be read, in order; each names its line and shows none of its text. */
  readonly errors: readonly ConfigurationError[];
}

const MAX_LINE = 512;

/**
 * Reads a proxy list: one address a line in any form `parseProxyUrl` knows; blank lines and `#` comments are skipped; a
 * line that is only a scheme (`socks5://`) says what the bare addresses after it are.
 */
export function parseProxyList(text: string, options: { readonly scheme?: ProxyScheme } = {}): ProxyList {
  const urls: ProxyUrl[] = [];
  const errors: ConfigurationError[] = [];
  let scheme = options.scheme ?? 'http';
  for (const [index, raw] of text.split(/\r\n|\n|\r/).entries()) {
    const line = raw
      .replace(/^\uFEFF/, '')
      .replace(/(?:^|\s)(?:#|\/\/).*$/, '')
      .trim();
    if (line === '') continue;
    const item = `line ${index + 1}`;
    try {
      if (line.length > MAX_LINE) throw new ConfigurationError('INVALID_PROXY', item, `is over ${MAX_LINE} characters`);
      const bare = /^([a-z][a-z0-9]*):\/\/$/i.exec(line);
      if (bare === null) urls.push(parseProxyUrl(line, { item, scheme }));
      else scheme = readScheme(bare[1], { item });
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      errors.push(error);
    }
  }
  return { urls, errors };
}
