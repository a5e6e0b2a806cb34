import type { Pool } from '@fairlead/core';
import type { Browser, BrowserType, LaunchOptions } from 'playwright-core';
import { problem, type ProviderOptions } from './options.js';
import { keepProvider, newPoolContext, type PoolContext, type PoolContextOptions } from './pool-context.js';
import { PoolProxyProvider } from './pool-proxy-provider.js';

/** What `launchPoolBrowser` takes: all that `chromium.launch` takes but a proxy. */
export type PoolBrowserOptions = Omit<LaunchOptions, 'proxy'> & ProviderOptions;

/** A browser that goes nowhere but through its pool. */
export type PoolBrowser = Browser & {
  newPoolContext(options?: Omit<PoolContextOptions, 'gateway'>): Promise<PoolContext>;
};

/** WebRTC would tell the machine's own address by UDP, past every proxy; the second is its name in older versions. */
const CHROMIUM_ARGS = [
  '--webrtc-ip-handling-policy=disable_non_proxied_udp',
  '--force-webrtc-ip-handling-policy=disable_non_proxied_udp',
  // QUIC is UDP, too.
  '--disable-quic',
];

/**
 * Launches a browser whose only proxy is the pool's: a context that was made without the pool gets nowhere at all, since it
 * has no user name to show.
 */
export async function launchPoolBrowser(
  type: BrowserType,
  pool: Pool,
  options: PoolBrowserOptions = {},
): Promise<PoolBrowser> {
  const { gateway, ...launch } = options;
  if ('proxy' in launch) throw problem('proxy', 'is the pool’s to choose');
  const provider = new PoolProxyProvider(pool, gateway === undefined ? {} : { gateway });
  try {
    const browser = await type.launch({
      ...launch,
      ...argsFor(type, launch.args),
      proxy: { server: await provider.server() },
    });
    keepProvider(browser, provider);
    return Object.assign(browser, {
      newPoolContext: (terms: Omit<PoolContextOptions, 'gateway'> = {}) => newPoolContext(browser, pool, terms),
    });
  } catch (error) {
    await provider.close();
    throw error;
  }
}

function argsFor(type: BrowserType, own: readonly string[] = []): { readonly args?: string[] } {
  return type.name() === 'chromium' ? { args: [...CHROMIUM_ARGS, ...own] } : own.length > 0 ? { args: [...own] } : {};
}
