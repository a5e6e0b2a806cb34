// A gateway in a process of its own, as anybody would start it, and curl, which knows nothing of pools.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { certificates, startFault, startHttpProxy, startTarget } from '@fairlead/lab';

const run = promisify(execFile);
const shop = await startTarget({ certificate: 'good' });
const proxies = await Promise.all([startHttpProxy(), startHttpProxy(), startFault('http', 'close-after-request')]);
const directory = await mkdtemp(join(tmpdir(), 'fairlead-example-'));
const [list, ca] = [join(directory, 'proxies.txt'), join(directory, 'ca.pem')];
await writeFile(list, proxies.map(({ url }) => url).join('\n'));
await writeFile(ca, certificates().ca);

const program = fileURLToPath(new URL('dist/main.js', import.meta.resolve('fairlead/package.json')));
const flags = [
  '--listen',
  '0',
  '--socks',
  '0',
  '--ports',
  'all',
  '--allow-private',
  '127.0.0.0/8',
  '--state',
  join(directory, 'state'),
];
const gateway = spawn(process.execPath, [program, 'serve', '--proxies', list, ...flags], {
  stdio: ['ignore', 'pipe', 'pipe'],
});
let log = '';
gateway.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()));
const [greeting] = (await once(gateway.stderr.setEncoding('utf8'), 'data')) as [string];
const [, port, socksPort] = /127\.0\.0\.1:(\d+) and \S+:(\d+)/.exec(greeting) ?? [];

async function curl(proxy: string, path: string): Promise<string> {
  const options = ['-sS', '--max-time', '20', '--cacert', ca, '-w', ' %{http_code}', '-x', proxy];
  const { stdout } = await run('curl', [...options, `${shop.url.replace('127.0.0.1', 'localhost')}${path}`]);
  return stdout.trim();
}

const answers: string[] = [];
for (let visit = 0; visit < 4; visit += 1)
  answers.push(await curl(`http://session-cart42:@127.0.0.1:${port}`, '/status/200'));
for (let visit = 0; visit < 8; visit += 1) answers.push(await curl(`http://127.0.0.1:${port}`, '/status/200'));
answers.push(await curl(`socks5h://127.0.0.1:${socksPort}`, '/status/200'));

gateway.kill('SIGTERM');
const [code] = (await once(gateway, 'exit')) as [number];
console.log(log);
const exits = new Set([...log.matchAll(/cart42 .* via (\S+)/g)].map(([, exit]) => exit));
await Promise.all([shop, ...proxies].map((server) => server.close()));
await rm(directory, { recursive: true });
const good = answers.length === 13 && answers.every((answer) => answer.endsWith('200'));
process.exitCode = good && exits.size === 1 && code === 0 ? 0 : 1;
