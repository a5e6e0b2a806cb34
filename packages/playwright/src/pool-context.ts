import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Endpoint, Pool } from '@fairlead/core';
import type { Ticket } from '@fairlead/gateway';
import type { Browser, BrowserContext, BrowserContextOptions } from 'playwright-core';
import { ContextPool } from './context-pool.js';
import { FROM_EXIT, problem, splitTerms, type ContextTerms, type ProviderOptions } from './options.js';
import { watchPages } from './page-outcomes.js';
import { PoolProxyProvider } from './pool-proxy-provider.js';

/** What `newPoolContext` takes: the pool's terms, and all that `browser.newContext` takes but a proxy. */
export type PoolContextOptions = ContextTerms &
  Omit<BrowserContextOptions, 'proxy' | 'locale' | 'timezoneId'> &
  ProviderOptions;

/** A context with its hold on the pool. */
export type PoolContext = BrowserContext & { readonly pool: ContextPool };

/** A context whose every connection leaves by an exit of the pool, the same one as long as that lives. */
export async function newPoolContext(
  browser: Browser,
  pool: Pool,
  options: PoolContextOptions = {},
): Promise<PoolContext> {
  const { terms, rest } = splitTerms(options);
  const { gateway, target, timezoneId, locale, ...context } = rest;
  if ('proxy' in context) throw problem('proxy', 'is the pool’s to choose; browser.newContext takes one of yours');
  if (target !== undefined && terms.exits === 'per-host') {
    throw problem('target', "is for contexts with one exit; with exits: 'per-host' each host has its own");
  }
  const provider = providerOf(browser, pool, gateway);
  const chosen = target === undefined ? undefined : await choose(pool, target, terms);
  const session = chosen?.session ?? terms.session;
  const hold = { ...terms, ...(session === undefined ? {} : { session }) };
  const { proxy, ticket, release } = await provider.proxyOn(hold, terms.strict ? chosen?.endpoint.id : undefined);
  const end = (): void => {
    release();
    if (chosen?.isOwn === true) pool.sessions.unbind(chosen.session);
  };
  try {
    const identity = {
      timezoneId: fromExit(timezoneId, 'timezone', chosen),
      locale: fromExit(locale, 'locale', chosen),
    };
    const made = await browser.newContext({ ...context, ...defined(identity), proxy });
    return attach(made, new ContextPool(ticket), { ticket, end, strict: terms.strict === true });
  } catch (error) {
    end();
    throw error;
  }
}

interface Hold {
  readonly ticket: Ticket;
  readonly end: () => void;
  readonly strict: boolean;
}

function attach(context: BrowserContext, hold: ContextPool, { ticket, end, strict }: Hold): PoolContext {
  hold.on('refused', (refusal) => {
    // Whatever its pages wait for fails with this: under another exit they would be somebody else's.
    if (strict && refusal.code === 'SESSION_LOST') {
      void context.close({ reason: `${refusal.code}: ${refusal.message}` }).catch(() => undefined);
    }
  });
  watchPages(context, (outcome, url) => void ticket.report(outcome, url));
  context.once('close', end);
  return Object.assign(context, { pool: hold });
}

interface Chosen {
  readonly endpoint: Endpoint;
  readonly session: string;
  /** Made here, and forgotten with its context. */
  readonly isOwn: boolean;
}

/** Binds a session to the exit that is best for the target now: the first connection goes there. */
async function choose(pool: Pool, target: string | URL, { tags, endpoint, session }: ContextTerms): Promise<Chosen> {
  const key = session ?? `context-${randomUUID()}`;
  const wish = { ...(tags && { tags }), ...(endpoint && { endpoint }) };
  const lease = await pool.acquire({ target, session: key, ...wish });
  lease.settle({ kind: 'abandoned', elapsedMs: 0 });
  return { endpoint: lease.endpoint, session: key, isOwn: session === undefined };
}

/** The value of the exit's tag `name:value`. */
function fromExit(value: string | undefined, name: string, chosen: Chosen | undefined): string | undefined {
  if (value !== FROM_EXIT) return value;
  if (chosen === undefined) throw problem('target', `is needed where the ${name} comes from the exit`);
  return chosen.endpoint.tags.find((tag) => tag.startsWith(`${name}:`))?.slice(name.length + 1);
}

function defined<T extends object>(options: T): { readonly [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}

const providers = new WeakMap<Browser, WeakMap<Pool, PoolProxyProvider>>();

/** One gateway for each browser and pool; it ends with either. */
export function providerOf(browser: Browser, pool: Pool, gateway: ProviderOptions['gateway']): PoolProxyProvider {
  const ofBrowser = providers.get(browser) ?? new WeakMap<Pool, PoolProxyProvider>();
  const known = ofBrowser.get(pool);
  if (known !== undefined && gateway !== undefined && !isDeepStrictEqual(known.gateway, gateway)) {
    throw problem('gateway', 'is set by the first context of a browser, or by its launch: this one has other settings');
  }
  if (known?.closed === false) return known;
  const provider = new PoolProxyProvider(pool, gateway === undefined ? {} : { gateway });
  return keepProvider(browser, provider);
}

/** The provider serves the browser's contexts from now on, and ends with it. */
export function keepProvider(browser: Browser, provider: PoolProxyProvider): PoolProxyProvider {
  const ofBrowser = providers.get(browser) ?? new WeakMap<Pool, PoolProxyProvider>();
  providers.set(browser, ofBrowser.set(provider.pool, provider));
  browser.once('disconnected', () => void provider.close());
  return provider;
}
