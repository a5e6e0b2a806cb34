import type { ProxyInput } from '../endpoint.js';

/** Where endpoints come from. A list is the only one yet. */
export interface Source {
  list(): readonly ProxyInput[];
}
