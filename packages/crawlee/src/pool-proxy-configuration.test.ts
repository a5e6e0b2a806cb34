import { ProxyConfiguration, Request } from '@crawlee/core';
import { createPool } from '@fairlead/core';
import { expect, test } from 'vitest';
import { PoolProxyConfiguration } from './pool-proxy-configuration.js';

/** What Crawlee 4 asks of a proxy configuration, by its documentation; it is not on the registry yet. */
interface ProxyInfoOfCrawlee4 {
  readonly url: string;
  readonly username?: string;
  readonly password: string;
  readonly hostname: string;
  readonly port: number | string;
  readonly ignoreTlsErrors?: boolean;
}
interface ProxyConfigurationOfCrawlee4 {
  newProxyInfo(options?: { request?: Request }): Promise<ProxyInfoOfCrawlee4 | undefined>;
}

test('it is a ProxyConfiguration of Crawlee 3, and answers as Crawlee 4 asks', async () => {
  const pool = createPool({ proxies: ['http://user:canary@127.0.0.1:1'] });
  const configuration = new PoolProxyConfiguration(pool);
  const of3: ProxyConfiguration = configuration;
  const of4: ProxyConfigurationOfCrawlee4 = configuration;
  expect(of3).toBeInstanceOf(ProxyConfiguration);
  const request = new Request({ url: 'https://shop.example/' });
  const url = new URL((await of3.newUrl('session', { request })) ?? '');
  expect([url.protocol, url.hostname]).toEqual(['http:', '127.0.0.1']);
  // The URL of a session stays what it is, as Crawlee 3 has it; each session of Crawlee 4 asks once for one of its own.
  expect(await of3.newUrl('session', { request })).toBe(url.href.replace(/\/$/, ''));
  expect(await of3.newUrl(7)).not.toBe(url.href.replace(/\/$/, ''));
  const infos = await Promise.all([of4.newProxyInfo({ request }), of4.newProxyInfo({ request }), of4.newProxyInfo()]);
  expect(new Set(infos.map((info) => info?.url)).size).toBe(3);
  expect(JSON.stringify(infos)).not.toContain('canary');
  await configuration.close();
  await expect(of3.newUrl('session')).rejects.toThrow('closed');
  await pool.close();
});
