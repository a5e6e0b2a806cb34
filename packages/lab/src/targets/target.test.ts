import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import * as http2 from 'node:http2';
import { text } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { certificates } from '../net/certificates.js';
import { converse, converseTls } from '../net/raw-client.js';
import type { Heard } from '../net/raw-client.js';
import { startTarget } from './target.js';
import type { Target } from './target.js';

let plain: Target;
let secure: Target;
beforeAll(async () => {
  plain = await startTarget();
  secure = await startTarget({ certificate: 'good' });
});
afterAll(() => Promise.all([plain.close(), secure.close()]));

function request(path: string, method = 'GET', more = '', body = ''): string {
  const length = body ? `Content-Length: ${body.length}\r\n` : '';
  return `${method} ${path} HTTP/1.1\r\nHost: lab.test\r\nConnection: close\r\n${more}${length}\r\n${body}`;
}

const get = (path: string, method?: string, more?: string, body?: string): Promise<Heard> =>
  converse({ port: plain.port, say: request(path, method, more, body) });

const bodyOf = ({ bytes }: Heard): Buffer => bytes.subarray(bytes.indexOf('\r\n\r\n') + 4);

test('a status that is none is answered 400', async () => {
  for (const word of ['word', '99', '2e3', '200.5'])
    expect((await get(`/status/${word}`)).text).toMatch(/^HTTP\/1.1 400 /);
});

test('answers any status, with Retry-After when asked to', async () => {
  for (const status of [200, 204, 304, 407, 429, 503, 599]) {
    expect((await get(`/status/${status}`)).text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  }
  expect((await get('/status/429?retry-after=7')).text).toMatch(/\r\nRetry-After: 7\r\n/);
  expect(bodyOf(await get('/status/204')).length).toBe(0);
  expect(bodyOf(await get('/bytes/100', 'HEAD')).length).toBe(0);
});

test('echoes method, headers, address and body, and remembers the request', async () => {
  const echoed = bodyOf(await get('/echo', 'POST', 'X-Thing: a\r\n', 'hello')).toString();
  expect(echoed).toContain('"body":"hello"');
  expect(echoed).toContain('"remoteAddress":"127.0.0.1"');
  expect(plain.requests.at(-1)).toMatchObject({ method: 'POST', path: '/echo', headers: { 'x-thing': 'a' } });
});

test('sends exactly as many bytes as asked, also over TLS', async () => {
  expect(bodyOf(await get('/bytes/1000003')).length).toBe(1_000_003);
  const heard = await converseTls({ port: secure.port, servername: 'b.lab.test', say: request('/bytes/300000') });
  expect(bodyOf(heard).length).toBe(300_000);
  expect(secure.handshakes).toEqual({ full: 1, resumed: 0 });
});

test('resets and closes where its paths say so, under TLS too', async () => {
  const over = { plain: get, tls: (path: string) => converseTls({ port: secure.port, say: request(path) }) };
  for (const ask of Object.values(over)) {
    expect(await ask('/reset')).toMatchObject({ text: '', error: 'ECONNRESET' });
    const cut = await ask('/reset-body/300');
    expect([bodyOf(cut).length, cut.error]).toEqual([300, 'ECONNRESET']);
    const short = await ask('/close-body/300');
    expect([bodyOf(short).length, short.error]).toEqual([300, undefined]);
    expect(await ask('/close')).toEqual({ text: '', bytes: Buffer.alloc(0) });
  }
});

test('hangs, and drips, until the client leaves', async () => {
  expect((await converse({ port: plain.port, say: request('/hang'), leaveAfter: 0 })).text).toBe('');
  const slow = await converse({ port: plain.port, say: request('/slow?every=1'), leaveAfter: 300 });
  expect(slow.text).toMatch(/^HTTP\/1.1 200 /);
  await plain.idle();
});

test('redirects, sets cookies and compresses', async () => {
  const redirect = await get(`/redirect?status=307&to=${encodeURIComponent(`${secure.url}/echo`)}`);
  expect(redirect.text).toMatch(new RegExp(`^HTTP/1.1 307 [^]*Location: ${secure.url}/echo\r\n`));
  const cookies = await get('/cookies?a=1&b=2', 'GET', 'Cookie: c=3\r\n');
  expect(cookies.text).toMatch(/Set-Cookie: a=1; Path=\/\r\nSet-Cookie: b=2; Path=\/[^]*"cookie":"c=3"/);
  expect(gunzipSync(bodyOf(await get('/gzip/5000'))).length).toBe(5000);
});

test('echoes what a WebSocket client sends, short and long, until it closes', async () => {
  const mask = randomBytes(4);
  const frame = (first: number, payload: Buffer) => {
    const length = payload.length < 126 ? [128 + payload.length] : [254, payload.length >> 8, payload.length & 255];
    return Buffer.concat([Buffer.from([first, ...length]), mask, payload.map((byte, i) => byte ^ mask[i & 3]!)]);
  };
  const upgrade =
    'GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n';
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
  const frames = [
    frame(0x81, Buffer.from('hello')),
    frame(0x82, Buffer.alloc(1000, 'x')),
    frame(0x88, Buffer.alloc(0)),
  ];
  const say = Buffer.concat([Buffer.from(upgrade + key), ...frames]);
  const { text } = await converse({ port: plain.port, say });
  // The key and its answer are the example in RFC 6455.
  expect(text).toMatch(/^HTTP\/1.1 101 [^]*Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/);
  expect(text).toContain('hello');
  expect(text).toContain('x'.repeat(1000));
});

test('has pages of its own, refuses whom it is told to, and speaks HTTP/2 where asked', async () => {
  const own = await startTarget({
    certificate: 'good',
    http2: true,
    routes: { hello: ({ response }) => void response.end('hello') },
    refuse: ({ path }) => (path === '/hello/banned' ? 403 : undefined),
  });
  const session = http2.connect(own.url, { ca: certificates().ca });
  const fetch = async (path: string) => {
    const stream = session.request({ ':path': path });
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    return [headers[':status'], await text(stream)];
  };
  expect(await fetch('/hello/you')).toEqual([200, 'hello']);
  expect(await fetch('/hello/banned')).toEqual([403, 'status 403\n']);
  expect(own.requests.map(({ httpVersion }) => httpVersion)).toEqual(['2.0', '2.0']);
  const first = await converseTls({ port: own.port, servername: 'localhost', say: request('/hello') });
  expect(first.text).toMatch(/^HTTP\/1.1 200 /);
  session.destroy();
  await own.close();
});
