import { checkKeys, ConfigurationError, ownOptions, type EndpointId } from '@fairlead/core';
import type { GatewayOptions } from '@fairlead/gateway';

/** What one context asks of the pool. */
export interface PoolTerms {
  /** Contexts and other clients of one session leave by the same exit. @default each context has its own */
  readonly session?: string;
  /** Words that its proxy must have. @default [] */
  readonly tags?: readonly string[];
  /** Force this proxy. */
  readonly endpoint?: EndpointId;
  /** A lost exit is an error, and not a change of exit. @default false */
  readonly strict?: boolean;
  /** One exit for everything, or one for each host that its pages fetch from. @default 'one' */
  readonly exits?: 'one' | 'per-host';
}

/** What a context asks of the pool, and of its exit. */
export interface ContextTerms extends PoolTerms {
  /** The site it is for: its exit is chosen before the context is made, and the site's health counts. */
  readonly target?: string | URL;
  /** `from-exit`: what the exit's tag `timezone:Europe/Berlin` says, if it has one. Needs `target`. */
  readonly timezoneId?: string;
  /** `from-exit`: what the exit's tag `locale:de-DE` says, if it has one. Needs `target`. */
  readonly locale?: string;
}

/** What `timezoneId` and `locale` are where the exit decides. */
export const FROM_EXIT = 'from-exit';

export interface ProviderOptions {
  /** Settings of the gateway on loopback that the browser connects to. @default {} */
  readonly gateway?: Omit<GatewayOptions, 'pool' | 'users' | 'keys' | 'anonymous'>;
}

const TERMS: readonly string[] = [
  'session',
  'tags',
  'endpoint',
  'strict',
  'exits',
] satisfies readonly (keyof PoolTerms)[];

/** Splits what a context asks of the pool from what it asks of the browser. */
export function splitTerms<T extends object>(options: PoolTerms & T): { readonly terms: PoolTerms; readonly rest: T } {
  const own = ownOptions(options, 'options');
  const entries = Object.entries(own);
  const pick = (ours: boolean): object => Object.fromEntries(entries.filter(([key]) => TERMS.includes(key) === ours));
  return { terms: checkedTerms(pick(true)), rest: pick(false) as T };
}

export function checkedTerms(terms: PoolTerms): PoolTerms {
  const own = ownOptions(terms, 'options');
  checkKeys(own, TERMS, '');
  const { exits, strict } = own;
  if (exits !== undefined && exits !== 'one' && exits !== 'per-host')
    throw problem('exits', "must be 'one' or 'per-host'");
  if (strict !== undefined && typeof strict !== 'boolean') throw problem('strict', 'must be true or false');
  return own;
}

export function problem(item: string, text: string): ConfigurationError {
  return new ConfigurationError('INVALID_OPTION', item, text);
}
