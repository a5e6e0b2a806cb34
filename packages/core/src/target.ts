import { ConfigurationError } from './errors.js';

declare const brand: unique symbol;
/** The key health is kept by: the destination's host, with its port where that is not the scheme's own, or a rule's name. */
export type Target = string & { readonly [brand]: 'Target' };

/** Reads the destination of a request: a URL, or a bare `host` or `host:port`. */
export function toTarget(input: string | URL): Target {
  return toTargetUrl(input).host as Target;
}

export function toTargetUrl(input: string | URL): URL {
  const url = typeof input === 'string' ? parse(input) : input;
  if (!(url instanceof URL) || url.host === '') {
    // A URL may carry a token in its path or query: it is not repeated.
    throw new ConfigurationError('INVALID_TARGET', 'target', 'must be a URL or a host name');
  }
  return url;
}

function parse(text: string): URL | undefined {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  return URL.canParse(full) ? new URL(full) : undefined;
}
