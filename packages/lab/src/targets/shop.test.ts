import { expect, test } from 'vitest';
import { converse } from '../net/raw-client.js';
import { shopRoutes } from './shop.js';
import { startTarget } from './target.js';

test('a shop lists its items in pages, and opens an account only to the address that logged in', async () => {
  const shop = await startTarget({ routes: shopRoutes({ items: 3, perPage: 2 }) });
  const say = (line: string, more = '', body = '') =>
    `${line} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;
  const get = async (path: string, more?: string) =>
    (await converse({ port: shop.port, say: say(`GET ${path}`, more) })).text;
  expect(await get('/shop')).toMatch(/item\/1"[^]*item\/2"[^]*page=2/);
  expect(await get('/shop?page=2')).toMatch(/item\/3"/);
  expect(await get('/shop?page=2')).not.toContain('page=3');
  expect(await get('/item/2')).toContain('Item 2');
  expect(await get('/account', 'Cookie: user=ann\r\n')).toMatch(/^HTTP\/1.1 403 /);
  const { text } = await converse({ port: shop.port, say: say('POST /login', '', 'user=ann') });
  expect(text).toMatch(/^HTTP\/1.1 303 [^]*user=ann; Path=\//);
  expect(await get('/account', 'Cookie: user=ann\r\n')).toContain('127.0.0.1');
  await shop.close();
});
