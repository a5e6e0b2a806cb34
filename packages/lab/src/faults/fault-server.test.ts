import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { converse, converseTls, hear, openTunnel } from '../net/raw-client.js';
import type { Heard } from '../net/raw-client.js';
import type { ProxyServer } from '../proxies/proxy-request.js';
import { startTarget } from '../targets/target.js';
import type { Target } from '../targets/target.js';
import { faultNames, faults, startFault } from './fault-server.js';
import type { FaultName } from './fault-server.js';
import { ESTABLISHED } from './http-faults.js';

/** What a raw client sees: what was said, and who ended it how. */
interface Sight {
  readonly said?: RegExp;
  /** `waits`: nothing more comes, and the server leaves when the client does. */
  readonly end: 'closes' | 'resets' | 'refuses' | 'waits';
}

const closes: Sight = { said: /^$/, end: 'closes' };
const resets: Sight = { said: /^$/, end: 'resets' };
const waits: Sight = { said: /^$/, end: 'waits' };
const tcp = {
  'refuse-tcp': { end: 'refuses' },
  'close-on-accept': closes,
  'reset-on-accept': resets,
  'silent-on-accept': waits,
} satisfies Record<string, Sight>;

type Apart = 'tls' | 'cut' | 'plain' | 'intercept';
type Told<Name extends string> = Exclude<
  Name,
  `${Apart}-${string}` | `${string}-in-tls` | 'drip-reply' | `endless-${string}`
>;

const afterYes = /^HTTP\/1\.1 200 Connection established\r\n\r\n/;
const http: Record<Told<FaultName<'http'>>, Sight> = {
  ...tcp,
  'silent-after-request': waits,
  'close-after-request': closes,
  'reset-after-request': resets,
  'close-in-reply': { said: /^HTTP\/1.1 200 Connect$/, end: 'closes' },
  'reset-in-reply': { end: 'resets' },
  'silent-in-reply': { said: /^HTTP\/1.1 200 Connect$/, end: 'waits' },
  'split-reply': { said: afterYes, end: 'waits' },
  'garbage-reply': { said: /^(?!HTTP)[^]{256}$/, end: 'closes' },
  'ssh-reply': { said: /^SSH-2.0/, end: 'waits' },
  'huge-header': { said: /^HTTP\/1.1 200 OK\r\n[^]{16384,}\r\n\r\n$/, end: 'waits' },
  'interim-100': { said: /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 /, end: 'waits' },
  'interim-103': { said: /^HTTP\/1.1 103 Early Hints\r\nLink: <\/a>\r\n\r\nHTTP\/1.1 200 /, end: 'waits' },
  'bytes-before-200': { said: /^hello\r\nHTTP\/1.1 200 /, end: 'waits' },
  'early-200': { said: afterYes, end: 'waits' },
  'body-on-200': { said: /Content-Length: 5\r\n\r\nhello$/, end: 'waits' },
  'close-in-tunnel': { said: /established\r\n\r\n$/, end: 'closes' },
  'reset-in-tunnel': { end: 'resets' },
  'silent-in-tunnel': { said: /established\r\n\r\n$/, end: 'waits' },
  'garbage-in-tunnel': { said: /established\r\n\r\n[^]{64}$/, end: 'waits' },
  ...(Object.fromEntries(
    faultNames('http').flatMap((name) => {
      const status = /^status-(\d+)$/.exec(name)?.[1];
      const error = /^proxy-status-(\w+)$/.exec(name)?.[1];
      if (status) return [[name, { said: new RegExp(`^HTTP/1.1 ${status} `), end: 'waits' }]];
      return error ? [[name, { said: new RegExp(`Proxy-Status: lab; error=${error};`), end: 'waits' }]] : [];
    }),
  ) as Record<Extract<FaultName<'http'>, `${'proxy-' | ''}status-${string}`>, Sight>),
};

// SOCKS is told in hexadecimal.
const yes5 = '05000001000000000000';
const reply5 = (code: number): Sight => ({ said: new RegExp(`^0500050${code}0001(00){6}$`), end: 'closes' });
const chose: Sight = { said: /^0500$/, end: 'waits' };
const socks5: Record<Told<FaultName<'socks5'>>, Sight> = {
  ...tcp,
  'silent-after-greeting': waits,
  'close-after-greeting': closes,
  'reset-after-greeting': resets,
  'no-acceptable-method': { said: /^05ff$/, end: 'closes' },
  'unknown-method': { said: /^0542$/, end: 'waits' },
  'wrong-version': { said: /^0400$/, end: 'waits' },
  'garbage-reply': { said: /^(?!05)(..){256}$/, end: 'closes' },
  'speaks-http': { said: /^48545450/, end: 'closes' },
  'early-reply': { said: new RegExp(`^0500${yes5}$`), end: 'waits' },
  'auth-refused': { said: /^05020101$/, end: 'closes' },
  'auth-wrong-version': { said: /^05020500$/, end: 'waits' },
  'auth-then-more': { said: /^050201000000$/, end: 'closes' },
  'silent-after-auth': { said: /^0502$/, end: 'waits' },
  'close-after-auth': { said: /^0502$/, end: 'closes' },
  'reset-after-auth': { end: 'resets' },
  'silent-after-request': chose,
  'close-after-request': { ...chose, end: 'closes' },
  'reset-after-request': { end: 'resets' },
  'close-in-reply': { said: /^0500050000$/, end: 'closes' },
  'reset-in-reply': { end: 'resets' },
  'silent-in-reply': { said: /^0500050000$/, end: 'waits' },
  'reply-wrong-version': { said: /^0500005a/, end: 'waits' },
  'split-reply': { said: new RegExp(`^0500${yes5}$`), end: 'waits' },
  'bound-to-ipv6': { said: /^050005000004(00){18}$/, end: 'waits' },
  'bound-to-name': { said: /^050005000003036c61620000$/, end: 'waits' },
  'reply-1': reply5(1),
  'reply-2': reply5(2),
  'reply-3': reply5(3),
  'reply-4': reply5(4),
  'reply-5': reply5(5),
  'reply-6': reply5(6),
  'reply-7': reply5(7),
  'reply-8': reply5(8),
  'reply-9': reply5(9),
  'close-in-tunnel': { said: new RegExp(`^0500${yes5}$`), end: 'closes' },
  'reset-in-tunnel': { end: 'resets' },
  'silent-in-tunnel': { said: new RegExp(`^0500${yes5}$`), end: 'waits' },
  'garbage-in-tunnel': { said: new RegExp(`^0500${yes5}(..){64}$`), end: 'waits' },
};

const yes4 = '005a000000000000';
const reply4 = (code: string): Sight => ({ said: new RegExp(`^00${code}(00){6}$`), end: 'closes' });
const socks4: Record<Told<FaultName<'socks4'>>, Sight> = {
  ...tcp,
  'silent-after-request': waits,
  'close-after-request': closes,
  'reset-after-request': resets,
  'silent-in-reply': { said: /^005a00$/, end: 'waits' },
  'close-in-reply': { said: /^005a00$/, end: 'closes' },
  'split-reply': { said: new RegExp(`^${yes4}$`), end: 'waits' },
  'garbage-reply': { said: /^(?!00)(..){256}$/, end: 'closes' },
  'reply-91': reply4('5b'),
  'reply-92': reply4('5c'),
  'reply-93': reply4('5d'),
  'reply-99': reply4('63'),
  'close-in-tunnel': { said: new RegExp(`^${yes4}$`), end: 'closes' },
  'reset-in-tunnel': { end: 'resets' },
  'silent-in-tunnel': { said: new RegExp(`^${yes4}$`), end: 'waits' },
  'garbage-in-tunnel': { said: new RegExp(`^${yes4}(..){64}$`), end: 'waits' },
};

let target: Target;
let open: ProxyServer[] = [];
beforeAll(async () => {
  target = await startTarget();
});
afterAll(() => target.close());
afterEach(async () => {
  for (const proxy of open) await proxy.close();
  open = [];
});

type Kind = 'http' | 'socks5' | 'socks4';

async function started<K extends Kind>(kind: K, name: FaultName<K>, options = {}): Promise<ProxyServer> {
  const proxy = await startFault(kind, name, options);
  open.push(proxy);
  return proxy;
}

/** The lines of a client, one for each reply it would wait for. */
function lines(kind: Kind, port: number, auth: boolean): Buffer[] {
  const at = [port >> 8, port & 255];
  if (kind === 'http') return [Buffer.from(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)];
  if (kind === 'socks4') return [Buffer.from([4, 1, ...at, 127, 0, 0, 1, 0])];
  const hello = auth
    ? [
        [5, 1, 2],
        [1, 1, 0x75, 1, 0x70],
      ]
    : [[5, 1, 0]];
  return [...hello, [5, 1, 0, 1, 127, 0, 0, 1, ...at]].map((line) => Buffer.from(line));
}

function opening(kind: Kind, port: number, auth: boolean): Buffer {
  return Buffer.concat(lines(kind, port, auth));
}

/** What it heard, as the tables tell it. A client that waits leaves once it has heard what it expects. */
async function look(kind: Kind, proxy: ProxyServer, { said, end }: Sight, auth: boolean): Promise<[string, Heard]> {
  const tell = (bytes: Buffer) => bytes.toString(kind === 'http' ? 'latin1' : 'hex');
  const socket = connect({ host: '127.0.0.1', port: proxy.port });
  const [first, ...later] = [...lines(kind, target.port, auth), Buffer.from('hello')];
  const heard = hear(socket, end === 'resets' ? first : opening(kind, target.port, auth));
  let text = '';
  const listen = (chunk: Buffer) => {
    text += tell(chunk);
    if (end === 'waits' && said?.test(text)) socket.end();
    // Only a client that reads what came before the reset gets to see the reset.
    if (end === 'resets' && chunk.length > 0) socket.write(later.shift() ?? 'more');
  };
  socket.on('data', listen);
  listen(Buffer.alloc(0));
  const all = await heard;
  return [tell(all.bytes), all];
}

const ERROR = { closes: undefined, waits: undefined, resets: 'ECONNRESET', refuses: 'ECONNREFUSED' };

for (const [kind, sights] of [
  ['http', http],
  ['socks5', socks5],
  ['socks4', socks4],
] as const) {
  describe(`a ${kind} proxy`, () => {
    for (const [name, sight] of Object.entries(sights) as [never, Sight][]) {
      test(`${name}: ${sight.end} as named`, async () => {
        const proxy = await started(kind, name, { every: 20 });
        const auth = /auth/.test(name);
        const [text, { error }] = await look(kind, proxy, sight, auth);
        if (sight.said) expect(text).toMatch(sight.said);
        expect(error).toBe(ERROR[sight.end]);
        await proxy.idle();
        expect(proxy.connections).toMatchObject({ opened: sight.end === 'refuses' ? 0 : 1, open: 0 });
      });
    }

    test('cut-tunnel: carries exactly the bytes it was told to', async () => {
      const size = { http: ESTABLISHED.length, socks5: 12, socks4: 8 }[kind];
      for (const [name, error] of [
        ['cut-tunnel-close', undefined],
        ['cut-tunnel-reset', 'ECONNRESET'],
      ] as const) {
        const proxy = await started(kind, name, { cutAfter: 777, every: 20 });
        const tunnel = await openTunnel(proxy.port, opening(kind, target.port, false), size);
        const heard = await hear(tunnel, 'GET /bytes/100000 HTTP/1.1\r\nHost: a\r\n\r\n');
        expect(heard.error).toBe(error);
        if (!error) expect(heard.bytes.length).toBe(777);
        await proxy.idle();
        expect(proxy.connections.bytesOut).toBe(size + 777);
      }
    });

    test('plain-in-tunnel and intercept-tunnel: TLS through them fails, and says why', async () => {
      const size = { http: ESTABLISHED.length, socks5: 12, socks4: 8 }[kind];
      for (const [name, error] of [
        ['plain-in-tunnel', 'ERR_SSL_WRONG_VERSION_NUMBER'],
        ['intercept-tunnel', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
      ] as const) {
        const proxy = await started(kind, name);
        const through = await openTunnel(proxy.port, opening(kind, target.port, false), size);
        const heard = await converseTls({ port: 0, through, servername: 'localhost' });
        expect(heard.error).toBe(error);
      }
    });
  });
}

test('drip-reply goes on one byte at a time until the client leaves', async () => {
  for (const kind of ['http', 'socks5'] as const) {
    const proxy = await started(kind, 'drip-reply', { every: 1 });
    const { bytes } = await converse({ port: proxy.port, say: opening(kind, target.port, false), leaveAfter: 60 });
    expect(bytes.length).toBeGreaterThanOrEqual(60);
    await proxy.idle();
  }
});

test('endless replies go on until the client leaves', async () => {
  const proxies = [await started('http', 'endless-header'), await started('socks5', 'endless-reply')];
  for (const [i, proxy] of proxies.entries()) {
    const socket = connect({ host: '127.0.0.1', port: proxy.port });
    let size = 0;
    socket.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > 1_000_000) socket.destroy();
    });
    await hear(socket, opening(i === 0 ? 'http' : 'socks5', target.port, false));
    expect(size).toBeGreaterThan(1_000_000);
    await proxy.idle();
  }
});

describe('faults in TLS, of a proxy and of a target', () => {
  const expected = {
    'close-in-tls': 'ECONNRESET',
    'reset-in-tls': 'ECONNRESET',
    'alert-in-tls': 'ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR',
    'plain-in-tls': 'ERR_SSL_WRONG_VERSION_NUMBER',
    'tls-expired': 'CERT_HAS_EXPIRED',
    'tls-self-signed': 'DEPTH_ZERO_SELF_SIGNED_CERT',
    'tls-wrong-name': 'ERR_TLS_CERT_ALTNAME_INVALID',
    'tls-foreign': 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  } as const;
  for (const kind of ['http', 'target'] as const) {
    for (const [name, code] of Object.entries(expected) as [keyof typeof expected, string][]) {
      test(`${kind} ${name}: ${code}`, async () => {
        const server = await startFault(kind, name);
        open.push(server);
        expect(server.url).toMatch(/^https:/);
        expect((await converseTls({ port: server.port })).error).toBe(code);
      });
    }

    test(`${kind} silent-in-tls: waits until the client leaves`, async () => {
      const server = await startFault(kind, 'silent-in-tls');
      open.push(server);
      expect(await converse({ port: server.port, say: 'hello', leaveAfter: 0 })).toMatchObject({ text: '' });
      await server.idle();
    });
  }

  test('faults after TLS strike inside it', async () => {
    const proxy = await started('http', 'status-502', { certificate: 'good' });
    const { text } = await converseTls({ port: proxy.port, say: opening('http', 1, false), leaveAfter: 20 });
    expect(text).toMatch(/^HTTP\/1.1 502 /);
    const resetting = await started('http', 'reset-after-request', { certificate: 'good' });
    const { error } = await converseTls({ port: resetting.port, say: opening('http', 1, false) });
    expect(error).toBe('ECONNRESET');
  });
});

test('the split reply arrives byte by byte and the tunnel behind it works', async () => {
  const proxy = await started('http', 'split-reply');
  const tunnel = await openTunnel(proxy.port, opening('http', target.port, false), ESTABLISHED.length);
  const { text } = await hear(tunnel, 'GET /status/418 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  expect(text).toMatch(/^HTTP\/1.1 418 /);
});

test('a closed port stays closed while others open', async () => {
  const proxy = await started('http', 'refuse-tcp');
  const others = await Promise.all(Array.from({ length: 20 }, () => startTarget()));
  expect((await converse({ port: proxy.port })).error).toBe('ECONNREFUSED');
  await Promise.all(others.map((other) => other.close()));
});

test('credentials stand in the url, and what a client showed is recorded', async () => {
  const proxy = await started('http', 'status-403', { credentials: { user: 'a b', password: 'c:/@' } });
  expect(new URL(proxy.url)).toMatchObject({ username: 'a%20b', password: 'c%3A%2F%40' });
  const basic = Buffer.from('a b:c:/@').toString('base64');
  const say = `CONNECT [::1]:443 HTTP/1.1\r\nProxy-Authorization: Basic ${basic}\r\n\r\n`;
  await converse({ port: proxy.port, say, leaveAfter: 10 });
  const credentials = { user: 'a b', password: 'c:/@' };
  expect(proxy.requests).toMatchObject([{ form: 'connect', host: '::1', port: 443, credentials }]);
});

test('every fault says what it does', () => {
  for (const kind of Object.values(faults)) {
    for (const { about } of Object.values(kind)) expect(about).toMatch(/^\w.+[^.]$/);
  }
});
