import { once } from 'node:events';
import {
  request as httpRequest,
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { startHttpProxy, startTarget, type HttpProxyOptions, type ProxyServer, type Target } from '@fairlead/lab';
import { toEndpoint } from '@fairlead/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { agentsFor, type AgentOptions } from './agents.js';
import { viaOf } from './carrier.js';

let target: Target;
let proxy: ProxyServer | undefined;
let agent: Agent | undefined;
beforeEach(async () => {
  target = await startTarget();
});
afterEach(async () => {
  agent?.destroy();
  await proxy?.close();
  await target.close();
});

const credentials = { user: 'canary', password: 'secret' };

async function refusing(options: HttpProxyOptions = {}, agents: AgentOptions = {}): Promise<ProxyServer> {
  proxy = await startHttpProxy({ credentials, refuseConnect: { status: 403, ports: [target.port] }, ...options });
  agent = agentsFor(toEndpoint(proxy.url, 'the test'), agents).http;
  return proxy;
}

function send(path: string, options: RequestOptions = {}, body?: string): ClientRequest {
  return begin(path, options).end(body);
}

function begin(path: string, options: RequestOptions = {}): ClientRequest {
  return httpRequest(`${target.url}${path}`, { agent: agent!, ...options });
}

async function answer(request: ClientRequest): Promise<IncomingMessage & { body: string }> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return Object.assign(response, { body: await text(response) });
}

test.each([403, 405, 501])(
  'a proxy that answers CONNECT with %d is asked in absolute form, and that is remembered',
  async (status) => {
    const { requests } = await refusing({ refuseConnect: { status, ports: 'all' } }, { keepAlive: false });
    for (const path of ['/status/200', '/status/204', '/status/418']) {
      const response = await answer(send(path));
      expect(response.statusCode).toBe(Number(path.slice(8)));
      expect(viaOf(response)).toBe('absolute');
    }
    expect(requests.map(({ form }) => form)).toEqual(['connect', 'absolute', 'absolute', 'absolute']);
    expect(requests.map(({ credentials: shown }) => shown)).toEqual(requests.map(() => credentials));
  },
);

test.each([407, 502, 503])('a proxy that answers CONNECT with %d is not', async (status) => {
  const { requests } = await refusing({ refuseConnect: { status, ports: 'all' } });
  await expect(answer(send('/'))).rejects.toMatchObject({ status });
  expect(requests.map(({ form }) => form)).toEqual(['connect']);
});

test('the target never sees the credentials, and neither does anyone who looks at the request', async () => {
  await refusing();
  const request = send('/echo', { method: 'POST', headers: { 'x-own': '1' } }, 'the body');
  const response = await answer(request);
  const echo = JSON.parse(response.body) as { headers: Record<string, string>; body: string };
  expect(echo.body).toBe('the body');
  expect(echo.headers).toMatchObject({ host: `127.0.0.1:${target.port}`, 'x-own': '1' });
  expect(echo.headers).not.toHaveProperty('proxy-authorization');
  const shown = inspect({ request, response }, { depth: 10, showHidden: true });
  for (const secret of ['secret', Buffer.from('canary:secret').toString('base64')]) expect(shown).not.toContain(secret);
});

test('a body that is written bit by bit arrives whole', async () => {
  await refusing();
  const request = httpRequest(`${target.url}/echo`, { agent: agent!, method: 'POST' });
  request.write('one ');
  setImmediate(() => request.end('two'));
  expect((JSON.parse((await answer(request)).body) as { body: string }).body).toBe('one two');
});

test('requests that wait for a tunnel are rewritten too', async () => {
  const { requests } = await refusing({}, { maxSockets: 1 });
  const answers = await Promise.all(['/a', '/b', '/c'].map((path) => answer(send(path))));
  expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200]);
  expect(requests.map(({ form }) => form)).toEqual(['connect', 'absolute', 'absolute', 'absolute']);
  expect(target.requests.map(({ path }) => path)).toEqual(['/a', '/b', '/c']);
});

test('an https proxy is asked in absolute form as well', async () => {
  const { certificates } = await import('@fairlead/lab');
  await refusing({ certificate: 'good' }, { ca: certificates().ca });
  expect(viaOf(await answer(send('/')))).toBe('absolute');
});

test.each(['/status/200?u=http://x.test/', '/http://x.test/', '/a//b://c'])(
  'a path with a URL in it goes out in absolute form: %s',
  async (path) => {
    const { requests } = await refusing();
    expect((await answer(send(path))).statusCode).toBe(200);
    expect(requests.map(({ form }) => form)).toEqual(['connect', 'absolute']);
    expect(requests[1]).toMatchObject({ credentials });
    expect(target.requests.map(({ path: seen }) => seen)).toEqual([path]);
  },
);

test('the URL that was asked for says where the request goes, not its Host header', async () => {
  const { requests } = await refusing();
  expect((await answer(send('/', { headers: { host: 'elsewhere.test:1' } }))).statusCode).toBe(200);
  expect(requests[1]).toMatchObject({ form: 'absolute', host: '127.0.0.1', port: target.port });
});

test.each(['a new socket', 'a kept one'])('headers can be set until the request is sent: %s', async (which) => {
  await refusing();
  if (which === 'a kept one') await answer(send('/'));
  const request = begin('/echo', { method: 'POST' });
  if (request.socket === null) await once(request, 'socket');
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
  request.setHeader('x-late', '1').end('the body');
  const { headers } = JSON.parse((await answer(request)).body) as { headers: Record<string, string> };
  // The length is known, for nothing was flushed before its time.
  expect(headers).toMatchObject({ 'x-late': '1', 'content-length': '8' });
});

test('a request that is ended on a kept socket leaves nothing to the next', async () => {
  await refusing();
  await answer(send('/'));
  const ended = begin('/never');
  const closed = once(ended, 'close').catch(() => {});
  ended.on('error', () => {}).destroy();
  await closed;
  expect((await answer(send('/next'))).statusCode).toBe(200);
  expect(target.requests.map(({ path }) => path)).toEqual(['/', '/next']);
});

test('a host that the proxy refuses a tunnel to says nothing of the others', async () => {
  const hosts = ['refused.lab.test'];
  const { requests } = await refusing({ refuseConnect: { status: 403, ports: 'all', hosts } });
  const ask = async (host: string) => {
    const url = `http://${host}:${target.port}/`;
    return viaOf(await answer(httpRequest(url, { agent: agent! }).end()));
  };
  expect(await ask('refused.lab.test')).toBe('absolute');
  expect(await ask('welcome.lab.test')).toBe('tunnel');
  agent!.destroy();
  expect(await ask('refused.lab.test')).toBe('absolute');
  expect(requests.map(({ form, host }) => `${form} ${host}`)).toEqual([
    'connect refused.lab.test',
    'absolute refused.lab.test',
    'connect welcome.lab.test',
    'absolute refused.lab.test',
  ]);
});
