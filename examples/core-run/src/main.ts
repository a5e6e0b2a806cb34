// The ten lines of core's manual, run as they stand there: a POST over five proxies, of which four are dead.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { startFault, startHttpProxy, startTarget } from '@fairlead/lab';

const shop = await startTarget();
const dead = Array.from({ length: 4 }, () => startFault('http', 'refuse-tcp'));
const servers = [...(await Promise.all(dead)), await startHttpProxy()];

const runs = Array.from({ length: 3 }, () => {
  const lines = join(import.meta.dirname, 'ten-lines.js');
  const child = spawn(process.execPath, [lines, `${shop.url}/status/200`, ...servers.map(({ url }) => url)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise<boolean>((end) => {
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
    child.once('close', (code) => {
      process.stdout.write(printed);
      end(code === 0 && printed.startsWith('200'));
    });
  });
});
const ends = await Promise.all(runs);

await Promise.all([shop, ...servers].map((server) => server.close()));
process.exitCode = ends.every(Boolean) ? 0 : 1;
