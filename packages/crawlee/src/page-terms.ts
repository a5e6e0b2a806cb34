import type { Request } from '@crawlee/core';
import { checkKeys, ownOptions, type EndpointId } from '@fairlead/core';
import { problem } from './options.js';

/** What one page asks for in `userData.fairlead`. */
export interface PageTerms {
  /** Words that its proxy must have. @default [] */
  readonly tags?: readonly string[];
  /** Force this proxy. */
  readonly endpoint?: EndpointId;
  /** Sending it twice does no harm, whatever its method: it may be repeated at no cost. @default GET, HEAD, OPTIONS and TRACE only */
  readonly idempotent?: boolean;
}

const KEYS: readonly string[] = ['tags', 'endpoint', 'idempotent'] satisfies readonly (keyof PageTerms)[];

/** Reads own keys only: user data may come from anywhere, a scraped page included. */
export function termsOf(request: Request | undefined): PageTerms {
  const data: unknown = request?.userData;
  if (typeof data !== 'object' || data === null || !Object.hasOwn(data, 'fairlead')) return {};
  const terms = (data as { fairlead: unknown }).fairlead;
  const own = ownOptions(terms as PageTerms, 'userData.fairlead');
  checkKeys(own, KEYS, 'userData.fairlead');
  const { tags = [], endpoint, idempotent = false } = own;
  if (!Array.isArray(tags) || tags.some((tag) => typeof tag !== 'string')) {
    throw problem('userData.fairlead.tags', 'must be a list of words');
  }
  if (endpoint !== undefined && typeof endpoint !== 'string')
    throw problem('userData.fairlead.endpoint', 'must be an id');
  if (typeof idempotent !== 'boolean') throw problem('userData.fairlead.idempotent', 'must be true or false');
  return { tags, idempotent, ...(endpoint === undefined ? {} : { endpoint }) };
}
