import { ConfigurationError } from './errors.js';

declare const brand: unique symbol;
/** The key health is kept by: the destination's host, with its port where that is not the scheme's own. */
export type Target = string & { readonly [brand]: 'Target' };

/** Reads the destination of a request: a URL, or a bare `host` or `host:port`. */
export function toTarget(input: string | URL): Target {
  const url = typeof input === 'string' ? parse(input) : input;
  if (url === undefined || url.host === '') {
    // A URL may carry a token in its path or query: it is not repeated.
    throw new ConfigurationError('INVALID_TARGET', 'target', 'must be a URL or a host name');
  }
  return url.host as Target;
}

function parse(text: string): URL | undefined {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  return URL.canParse(full) ? new URL(full) : undefined;
}
