import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { certificates, startFault, startHttpProxy, startSocksProxy, startTarget } from '@fairlead/lab';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { spawn } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { AccessRecord } from '@fairlead/gateway';
import { accessLine } from './access-line.js';
import { check } from './check.js';
import type { Probed } from './probe.js';
import { serve } from './serve.js';
import type { Terminal } from './terminal.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fairlead-cli-'));
});
afterAll(() => rm(directory, { recursive: true }));

function screen(live = false) {
  const said = { out: '', err: '' };
  const terminal: Terminal = { out: (text) => (said.out += text), err: (text) => (said.err += text), live };
  return { said, terminal };
}

async function list(...lines: string[]): Promise<string> {
  const path = join(directory, `list-${Math.random()}.txt`);
  await writeFile(path, lines.join('\n'));
  return path;
}

const CANARY = 'canary-password';

test('check tells who lives, in which protocol and how quickly, and its exit code says whether all do', async () => {
  const target = await startTarget({ certificate: 'good' });
  const credentials = { user: 'canary-user', password: CANARY };
  const [http, socks, dead, locked] = await Promise.all([
    startHttpProxy({ credentials }),
    startSocksProxy(),
    startFault('http', 'refuse-tcp'),
    startHttpProxy({ credentials }),
  ]);
  const ca = await list(certificates().ca);
  const bare = `${socks.host}:${socks.port}`;
  const path = await list(
    http.url,
    bare,
    dead.url,
    `${locked.host}:${locked.port}:canary-user:wrong`,
    'http://what is this',
  );
  const flags = ['--target', target.url.replace('127.0.0.1', 'localhost'), '--ca', ca, '--timeout', '5000'];
  const { said, terminal } = screen(true);
  expect(await check([path, ...flags, '--json'], terminal)).toBe(1);
  expect(JSON.parse(said.out)).toMatchObject([
    { live: true, protocol: 'http', status: 200, latencyMs: expect.any(Number) as number },
    { live: true, protocol: 'socks5h' },
    { live: false, error: 'PROXY_CONNECT' },
    { live: false, error: 'PROXY_AUTH' },
  ] satisfies Partial<Probed>[]);
  expect(said.err).toContain('line 5');
  expect(said.err).toContain('4/4, 2 live');
  expect(said.err).toContain('2 of 4 live');
  const table = screen();
  await check([path, ...flags], table.terminal);
  expect(table.said.out).toMatch(/^proxy +state +protocol +latency +error\nhttp:\/\/127[^\n]*|socks5h/);
  const csv = screen();
  await check([path, ...flags, '--csv'], csv.terminal);
  expect(csv.said.out.split('\n')).toHaveLength(6);
  expect(JSON.stringify([said, table.said, csv.said])).not.toContain('canary');
  const good = screen();
  expect(await check([await list(http.url, socks.url), ...flags], good.terminal)).toBe(0);
  await Promise.all([target, http, socks, dead, locked].map((server) => server.close()));
});

test('serve is one line: it listens, logs, sums up and drains when told', async () => {
  const [target, proxy] = await Promise.all([startTarget(), startHttpProxy()]);
  const path = await list(proxy.url);
  const { said, terminal } = screen();
  let stop = (): void => undefined;
  const asked = new Promise<void>((resolve) => (stop = resolve));
  const argv = [
    '--proxies',
    path,
    '--listen',
    '0',
    '--user',
    `ann:${CANARY}`,
    '--allow-private',
    '127.0.0.0/8',
    '--policy',
    'relay',
    '--state',
    join(directory, 'state'),
  ];
  const serving = serve(argv, terminal, { asked });
  await expect.poll(() => said.err).toMatch(/1 proxies behind http:\/\/127.0.0.1:\d+\n/);
  const port = Number(/:(\d+)\n/.exec(said.err)?.[1]);
  const login = Buffer.from(`ann:${CANARY}`).toString('base64');
  const headers = { Host: new URL(target.url).host, 'Proxy-Authorization': `Basic ${login}` };
  const request = http.get({ host: '127.0.0.1', port, path: `${target.url}/`, headers, agent: false });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  expect(response.resume().statusCode).toBe(200);
  await once(response, 'end');
  await expect
    .poll(() => said.out)
    .toMatch(/#1 plain ann 127\.0\.0\.1:\d+ via http:\/\/127\.0\.0\.1:\d+ 1 tried 200 \d+ ms/);
  stop();
  expect(await serving).toBe(0);
  expect(said.err).toMatch(/\[fairlead\] 1 of 1 proxies healthy.*1 requests, 0 failed/);
  expect(JSON.stringify(said)).not.toContain(CANARY);
  expect(await readdir(join(directory, 'state'))).not.toEqual([]);
  await Promise.all([target.close(), proxy.close()]);
});

test('what cannot be meant is refused by name', async () => {
  const { terminal } = screen();
  const path = await list('10.0.0.1:8000');
  const never = { asked: new Promise(() => undefined) };
  const refused = (argv: string[]) => expect(serve([...argv, '--no-state'], terminal, never)).rejects;
  await refused(['--proxeis', path]).toThrow("did you mean 'proxies'");
  await refused([]).toThrow('--proxies: is missing');
  await refused([path, '--listen', '0.0.0.0:0']).toThrow('needs users or keys');
  await refused([path, '--policy', 'polite']).toThrow('must be one of respectful');
  await refused([path, '--user', CANARY]).toThrow(/^--user: must be name:password$/);
  await refused([join(directory, 'none')]).toThrow('could not be read (ENOENT)');
  await refused([await list('http://')]).toThrow('holds no proxy');
  await expect(check([], terminal)).rejects.toThrow('needs a file');
});

test('a line of the log stays a line, whatever a session is called', () => {
  const record = { time: 0, id: 1, kind: 'connect', attempts: 1, status: 200, latencyMs: 1, sent: 0, received: 0 };
  const line = accessLine({ ...record, session: 'a\n#2 root \u001b[2J\u009b', client: 'x\r' } as AccessRecord);
  expect(line).toMatch(/^[\x20-\x7e]+$/);
  expect(line).toContain(String.raw`x\u{d}/a\u{a}#2 root \u{1b}[2J\u{9b}`);
});

test('serve: a SOCKS port that is none, or that is taken, ends it', async () => {
  const taken = http.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const path = await list('127.0.0.1:1');
  const flags = ['--proxies', path, '--no-state', '--listen', '0'];
  const never = new Promise(() => undefined);
  const { terminal } = screen();
  await expect(serve([...flags, '--socks', 'abc'], terminal, { asked: never })).rejects.toThrow('--socks');
  await expect(serve([...flags, '--socks', '70000'], terminal, { asked: never })).rejects.toThrow('--socks');
  await expect(serve([...flags, '--socks', String(port)], terminal, { asked: never })).rejects.toThrow('EADDRINUSE');
  taken.close();
});

test('a reader of the log that goes away ends nothing but the log', async () => {
  const path = await list('127.0.0.1:1');
  const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
  const child = spawn(process.execPath, [main, 'serve', '--proxies', path, '--no-state', '--listen', '0']);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  await expect.poll(() => said, { timeout: 20_000 }).toMatch(/127.0.0.1:\d+\n/);
  const port = Number(/127.0.0.1:(\d+)\n/.exec(said)![1]);
  const ask = () => once(http.get({ host: '127.0.0.1', port, path: '/', agent: false }), 'response');
  child.stdout.destroy();
  await expect.poll(async () => (await ask(), said), { timeout: 20_000 }).toContain('nobody reads');
  expect(((await ask()) as [http.IncomingMessage])[0].statusCode).toBe(400);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
