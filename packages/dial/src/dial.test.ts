import { once } from 'node:events';
import { createServer, type AddressInfo, type LookupFunction, type Server, type Socket } from 'node:net';
import {
  certificates,
  startFault,
  startHttpProxy,
  startSocksProxy,
  startTarget,
  type LabServer,
  type ProxyServer,
} from '@fairlead/lab';
import { toEndpoint } from '@fairlead/core';
import { afterEach, expect, test } from 'vitest';
import { dial, type DialOptions } from './dial.js';
import { DialError } from './dial-error.js';

// Here, for making keys takes seconds on a busy machine, and no test should be timed by it.
const { ca } = certificates();

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function started<S extends { close(): unknown }>(server: Promise<S>): Promise<S> {
  const up = await server;
  open.push(up);
  return up;
}

function through(url: string, options: Partial<DialOptions>, rotating = false): Promise<Socket> {
  return dial(toEndpoint({ url, rotating }, 'the test'), {
    host: '127.0.0.1',
    port: 80,
    ca,
    ...options,
  });
}

async function failed(dialling: Promise<Socket>): Promise<DialError> {
  const error = await dialling.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(DialError);
  return error as DialError;
}

async function answerOf(socket: Socket): Promise<string> {
  socket.write('GET /status/200 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  let text = '';
  for await (const chunk of socket.setEncoding('utf8')) text += chunk as string;
  return text;
}

const credentials = { user: 'u%ser@1', password: 'p a:ss/wörd%2F' };
const PROXIES: Record<string, () => Promise<ProxyServer>> = {
  http: () => startHttpProxy({ credentials }),
  https: () => startHttpProxy({ credentials, certificate: 'good' }),
  socks4: () => startSocksProxy({ credentials, scheme: 'socks4' }),
  socks4a: () => startSocksProxy({ credentials, scheme: 'socks4a' }),
  socks5: () => startSocksProxy({ credentials, scheme: 'socks5' }),
  socks5h: () => startSocksProxy({ credentials, scheme: 'socks5h' }),
};

test.each(Object.keys(PROXIES))('%s: a tunnel stands, with credentials decoded once', async (scheme) => {
  const [proxy, target] = [await started(PROXIES[scheme]!()), await started(startTarget())];
  const socket = await through(proxy.url, { port: target.port });
  expect(await answerOf(socket)).toContain('status 200');
  expect(proxy.requests[0]?.credentials?.user).toBe(credentials.user);
  if (!scheme.startsWith('socks4')) expect(proxy.requests[0]?.credentials).toEqual(credentials);
});

test.each(['http', 'socks5h'])('%s: an empty password is sent as one', async (scheme) => {
  const empty = { user: 'token', password: '' };
  const start = scheme === 'http' ? startHttpProxy : startSocksProxy;
  const [proxy, target] = [await started<ProxyServer>(start({ credentials: empty })), await started(startTarget())];
  const socket = await through(proxy.url, { port: target.port });
  expect(proxy.requests[0]?.credentials).toEqual(empty);
  socket.destroy();
});

test.each([
  ['http', 'name.lab.test'],
  ['socks5h', 'name.lab.test'],
  ['socks4a', 'name.lab.test'],
])('%s: the proxy resolves the name', async (scheme, host) => {
  const [proxy, target] = [await started(PROXIES[scheme]!()), await started(startTarget())];
  (await through(proxy.url, { host, port: target.port })).destroy();
  expect(proxy.requests[0]?.host).toBe(host);
});

test.each(['socks4', 'socks5'])('%s: the name is resolved here', async (scheme) => {
  const [proxy, target] = [await started(PROXIES[scheme]!()), await started(startTarget())];
  (await through(proxy.url, { host: 'localhost', port: target.port })).destroy();
  expect(proxy.requests[0]?.host).toBe('127.0.0.1');
  expect(await failed(through(proxy.url, { host: 'nobody.invalid' }))).toMatchObject({
    code: 'TARGET_LOOKUP',
    fault: 'target',
  });
});

type Lookup = NonNullable<DialOptions['targetLookup']>;

function failing(code: string): Lookup {
  const answer = (...[, , done]: [string, object, (error: Error) => void]) =>
    done(Object.assign(new Error(code), { code }));
  return answer as unknown as Lookup;
}

test.each([
  ['ENOTFOUND', 'target', 'endpoint'],
  ['ENODATA', 'target', 'endpoint'],
  ['EAI_AGAIN', 'unclear', 'unclear'],
  ['ESERVFAIL', 'unclear', 'unclear'],
  ['ETIMEOUT', 'unclear', 'unclear'],
])('trouble of our own name server is charged to nobody: %s', async (nodeCode, ofTarget, ofProxy) => {
  const targetLookup = failing(nodeCode);
  expect(await failed(through('socks5://127.0.0.1:1', { host: 'x.test', targetLookup }))).toMatchObject({
    code: 'TARGET_LOOKUP',
    fault: ofTarget,
    nodeCode,
  });
  const lookup = failing(nodeCode) as unknown as LookupFunction;
  expect(await failed(through('http://proxy.test:1', { lookup }))).toMatchObject({
    code: 'PROXY_CONNECT',
    fault: ofProxy,
    nodeCode,
  });
});

test('a lookup that throws fails the dial as everything else does', async () => {
  const throwing = () => {
    throw new Error('no such thing');
  };
  const expected = { fault: 'caller', sent: 'nothing' };
  expect(await failed(through('http://proxy.test:1', { lookup: throwing }))).toMatchObject(expected);
  const targetLookup = throwing as unknown as Lookup;
  expect(await failed(through('socks5://127.0.0.1:1', { host: 'x.test', targetLookup }))).toMatchObject(expected);
});

test.each(['http', 'https', 'socks5h'])('%s: proxy and target on IPv6', async (scheme) => {
  const options = { host: '::1', credentials };
  const start: Record<string, () => Promise<ProxyServer>> = {
    http: () => startHttpProxy(options),
    https: () => startHttpProxy({ ...options, certificate: 'good' }),
    socks5h: () => startSocksProxy(options),
  };
  const [proxy, target] = [await started(start[scheme]!()), await started(startTarget({ host: '::1' }))];
  expect(await answerOf(await through(proxy.url, { host: '[::1]', port: target.port }))).toContain('status 200');
});

test('SOCKS4 cannot carry IPv6, and says so without asking', async () => {
  const proxy = await started(PROXIES['socks4a']!());
  expect(await failed(through(proxy.url, { host: '::1' }))).toMatchObject({ code: 'PROXY_TUNNEL', fault: 'endpoint' });
  expect(proxy.connections.opened).toBe(0);
});

test.each(['http', 'socks5h'])('%s: a name of 253 characters arrives whole', async (scheme) => {
  const proxy = await started(PROXIES[scheme]!());
  const host = `${`${'n'.repeat(59)}.`.repeat(4)}lab.test`;
  const target = await started(startTarget());
  (await through(proxy.url, { host, port: target.port })).destroy();
  expect(proxy.requests[0]?.host).toBe(host);
});

test('Happy Eyeballs: one dead address of the name does not matter', async () => {
  const [proxy, target] = [await started(startHttpProxy()), await started(startTarget())];
  const lookup: LookupFunction = (_name, _options, answer) =>
    answer(null, [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ]);
  const url = proxy.url.replace('127.0.0.1', 'two-addresses.test');
  expect(await answerOf(await through(url, { port: target.port, lookup }))).toContain('status 200');
});

test.each([
  ['http', 'HTTP/1.1 200 OK\r\n\r\n'],
  ['socks5h', '\u0005\0\u0005\0\0\u0001\0\0\0\0\0\0'],
  ['socks4a', '\0Z\0\0\0\0\0\0'],
])('%s: bytes that come with the answer are the first of the tunnel', async (scheme, yes) => {
  const server = await listening((socket) => {
    let asked = 0;
    // SOCKS5 asks twice, and is answered in two parts.
    const parts = scheme === 'socks5h' ? [yes.slice(0, 2), `${yes.slice(2)}220 hello\r\n`] : [`${yes}220 hello\r\n`];
    socket.on('data', () => socket.write(Buffer.from(parts[asked++] ?? '', 'latin1')));
  });
  const socket = await through(`${scheme}://127.0.0.1:${server.port}`, { port: 25 });
  const [first] = (await once(socket, 'data')) as [Buffer];
  expect(first.toString()).toBe('220 hello\r\n');
  socket.destroy();
});

test.each(['silent-on-accept', 'silent-after-request', 'silent-in-reply', 'drip-reply'] as const)(
  'an abort in %s leaves no socket',
  async (name) => {
    const proxy = await started(startFault('http', name, { every: 1 }));
    const abort = new AbortController();
    const dialling = failed(through(proxy.url, { signal: abort.signal }));
    await connected(proxy);
    abort.abort();
    expect(await dialling).toMatchObject({ code: 'ABORTED', fault: 'caller' });
    await proxy.idle();
  },
);

test('an abort at every turn of the loop, from before the first byte to after the last, leaves no socket', async () => {
  const [http, socks, target] = [
    await started(startHttpProxy()),
    await started(startSocksProxy()),
    await started(startTarget()),
  ];
  for (let turns = 0; turns < 30; turns += 1) {
    for (const proxy of [http, socks]) {
      const abort = new AbortController();
      const dialling = through(proxy.url, { port: target.port, signal: abort.signal });
      for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
      abort.abort();
      // Whoever was quicker: a socket that stands is the caller's.
      await dialling.then(
        (socket) => socket.destroy(),
        (error: unknown) => expect(error).toMatchObject({ code: 'ABORTED' }),
      );
    }
  }
  await Promise.all([http.idle(), socks.idle()]);
});

test('an aborted signal opens nothing', async () => {
  const proxy = await started(startHttpProxy());
  expect(await failed(through(proxy.url, { signal: AbortSignal.abort() }))).toMatchObject({ code: 'ABORTED' });
  expect(proxy.connections.opened).toBe(0);
});

test.each(['http', 'socks5', 'socks4'] as const)(
  '%s: the deadline is over the whole dial, not between bytes',
  async (kind) => {
    const name = kind === 'socks4' ? 'silent-in-reply' : 'drip-reply';
    const proxy = await started(startFault(kind, name as never, { every: 5 }));
    expect(await failed(through(proxy.url, { timeoutMs: 100 }))).toMatchObject({
      code: 'PROXY_TIMEOUT',
      phase: 'tunnel',
    });
    await proxy.idle();
  },
);

test('a dial that is done watches neither clock nor signal', async () => {
  const [proxy, target] = [await started(startHttpProxy()), await started(startTarget())];
  const abort = new AbortController();
  const socket = await through(proxy.url, { port: target.port, signal: abort.signal, timeoutMs: 10_000 });
  abort.abort();
  expect(await answerOf(socket)).toContain('status 200');
});

test.each(['wrongName', 'expired', 'selfSigned', 'foreign'] as const)(
  "a proxy's %s certificate is refused",
  async (certificate) => {
    const proxy = await started(startHttpProxy({ certificate, credentials }));
    const error = await failed(through(proxy.url, {}));
    expect(error).toMatchObject({ code: 'PROXY_TLS', phase: 'proxy-tls', fault: 'endpoint' });
    // Not a word of the credentials went to whoever that is.
    expect(proxy.requests).toEqual([]);
  },
);

test('a proxy that repeats the credentials it was sent does not get them into the error', async () => {
  const server = await listening((socket) => {
    socket.once('data', (head) => {
      const [, secret = ''] = /proxy-authorization: Basic (\S+)/i.exec(head.toString()) ?? [];
      socket.end(`HTTP/1.1 403 ${secret}\r\nProxy-Status: ${secret}; error=${secret}\r\n\r\n${secret}`);
    });
  });
  const error = await failed(through(`http://user:secret@127.0.0.1:${server.port}`, {}));
  const shown = `${error.stack}${JSON.stringify(error)}`;
  expect(error.status).toBe(403);
  expect(shown).not.toContain(Buffer.from('user:secret').toString('base64'));
});

test('a line break in a host name is refused before anything is sent', async () => {
  const proxy = await started(startHttpProxy());
  expect(await failed(through(proxy.url, { host: 'a\r\nX: 1' }))).toMatchObject({
    code: 'INVALID_TARGET',
    fault: 'caller',
  });
  expect(proxy.connections.opened).toBe(0);
});

async function connected(server: LabServer): Promise<void> {
  while (server.connections.open === 0) await new Promise(setImmediate);
}

async function listening(serve: (socket: Socket) => void): Promise<{ port: number }> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    open.push({ close: () => socket.destroy() });
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(server);
  return { port: (server.address() as AddressInfo).port };
}
