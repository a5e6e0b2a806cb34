import { createPool } from '@fairlead/core';
import { startHttpProxy, startTarget } from '@fairlead/lab';
import { afterEach, expect, test } from 'vitest';
import { createFetch } from './index.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function scene() {
  const [target, ...proxies] = await Promise.all([startTarget(), startHttpProxy(), startHttpProxy()]);
  const pool = createPool({ proxies: proxies.map(({ url }) => url) });
  open.push(target, ...proxies, pool);
  return { target, fetch: createFetch(pool) };
}

interface Echo {
  readonly method: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

test("Node's own form is sent as a form, files and all", async () => {
  const { target, fetch } = await scene();
  const form = new FormData();
  form.append('name', 'value');
  form.append('file', new File(['inside'], 'a.txt', { type: 'text/plain' }));
  const sent = (await (await fetch(`${target.url}/echo`, { method: 'POST', body: form })).json()) as Echo;
  expect(sent.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
  expect(sent.body).toMatch(/name="name"\r\n\r\nvalue\r\n/);
  expect(sent.body).toMatch(/filename="a.txt"\r\ncontent-type: text\/plain\r\n\r\ninside\r\n/i);
});

test("Node's own request is taken, with method, headers, body and signal", async () => {
  const { target, fetch } = await scene();
  const controller = new AbortController();
  const init = { method: 'PUT', headers: { 'x-own': 'yes' }, body: 'text', signal: controller.signal };
  const answer = await fetch(new Request(`${target.url}/echo`, init));
  const sent = (await answer.json()) as Echo;
  expect(sent).toMatchObject({ method: 'PUT', body: 'text', headers: { 'x-own': 'yes' } });
  controller.abort();
  await expect(fetch(new Request(target.url, init))).rejects.toMatchObject({ name: 'AbortError' });
  expect(target.requests).toHaveLength(1);
});

test.each<[string, () => NonNullable<RequestInit['body']>]>([
  ['a buffer', () => new TextEncoder().encode('twice').buffer],
  ['a view', () => new DataView(new TextEncoder().encode('twice').buffer)],
  ['a form of words', () => new URLSearchParams({ twice: '' })],
  ['a blob', () => new Blob(['twi', 'ce'])],
])('%s that was given whole is sent again', async (_, body) => {
  const { target, fetch } = await scene();
  const init = { method: 'PUT', body: body(), pool: { maxAttempts: 2 } };
  const answer = await fetch(`${target.url}/status/503`, init);
  expect(answer.status).toBe(503);
  expect(target.requests).toHaveLength(2);
  expect(new Set(target.requests.map(({ headers }) => headers['content-length'])).size).toBe(1);
  const echoed = (await (await fetch(`${target.url}/echo`, { ...init, body: body() })).json()) as Echo;
  expect(echoed.body).toMatch(/^twice=?$/);
});
