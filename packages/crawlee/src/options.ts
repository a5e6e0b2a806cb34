import { checkKeys, ConfigurationError, ownOptions } from '@fairlead/core';
import type { GatewayOptions } from '@fairlead/gateway';
import type { ErrorHandler, PageHook } from './page-context.js';

/** What becomes of a page that no proxy can carry now. */
export type OnExhausted = 'wait' | 'fail-page' | 'stop-crawl';

export interface PoolProxyOptions {
  /** Words that the proxy of every page must have, beside those of the page's own `userData.fairlead`. @default [] */
  readonly tags?: readonly string[];
  /**
   * When no proxy can carry a page: `wait` keeps it for later and costs it no retry, `fail-page` fails it at once, `stop-crawl`
   * ends the crawl. It is never fetched without a proxy. @default 'wait'
   */
  readonly onExhausted?: OnExhausted;
  /** Settings of the gateway on loopback that Crawlee's clients connect to. @default {} */
  readonly gateway?: Omit<GatewayOptions, 'pool' | 'users' | 'keys' | 'anonymous'>;
}

/** Hooks of yours go here: a key that stands after the spread would replace those of the pool. */
export interface CrawleePoolOptions<Context> extends PoolProxyOptions {
  /** @default [] */
  readonly preNavigationHooks?: readonly PageHook<Context>[];
  /** Run after the pool's own, which ends a page that another exit has to fetch. @default [] */
  readonly postNavigationHooks?: readonly PageHook<Context>[];
  readonly errorHandler?: ErrorHandler<Context>;
  readonly failedRequestHandler?: ErrorHandler<Context>;
}

/** The defaults of `PoolProxyOptions`, in one place. */
export const CRAWLEE_DEFAULTS = Object.freeze({ tags: Object.freeze([]) as readonly string[], onExhausted: 'wait' });

export interface ResolvedOptions {
  readonly tags: readonly string[];
  readonly onExhausted: OnExhausted;
  readonly gateway: NonNullable<PoolProxyOptions['gateway']>;
}

const KEYS: readonly string[] = ['tags', 'onExhausted', 'gateway'] satisfies readonly (keyof PoolProxyOptions)[];

const CHOICES: readonly string[] = ['wait', 'fail-page', 'stop-crawl'] satisfies readonly OnExhausted[];

export function resolveOptions(given: PoolProxyOptions): ResolvedOptions {
  const options = ownOptions(given, 'options');
  checkKeys(options, KEYS, '');
  const { tags, onExhausted, gateway = {} } = { ...CRAWLEE_DEFAULTS, ...options };
  if (!CHOICES.includes(onExhausted)) throw problem('onExhausted', `must be one of ${CHOICES.join(', ')}`);
  if (!Array.isArray(tags) || tags.some((tag) => typeof tag !== 'string'))
    throw problem('tags', 'must be a list of words');
  return { tags, onExhausted: onExhausted as OnExhausted, gateway: ownOptions(gateway, 'gateway') };
}

export function problem(item: string, text: string): ConfigurationError {
  return new ConfigurationError('INVALID_OPTION', item, text);
}
