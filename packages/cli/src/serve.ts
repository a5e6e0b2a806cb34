import { ConfigurationError, createPool, type Pool } from '@fairlead/core';
import { fileStore } from '@fairlead/core/file';
import { createGateway } from '@fairlead/gateway';
import { accessLine } from './access-line.js';
import { helpOf, readCommandLine, type Read } from './command-line.js';
import { readProxyFile } from './proxy-file.js';
import { addressOf, gatewayOptions, policyOf, SERVE_FLAGS, SERVE_USAGE, socksPortOf } from './serve-flags.js';
import { Summary } from './summary.js';
import type { Terminal } from './terminal.js';

const SUMMARY_MS = 30_000;

/** Something that is told to stop from outside, such as by a signal. */
export interface Stop {
  /** Resolves at the first word; the second is not waited for here. */
  readonly asked: Promise<unknown>;
}

/** Serves until told to stop, then lets what is under way finish. */
export async function serve(argv: readonly string[], terminal: Terminal, stop: Stop): Promise<number> {
  const read = readCommandLine(argv, { ...SERVE_FLAGS, help: { type: 'boolean', help: 'this text' } });
  if (read.has('help')) {
    terminal.out(helpOf(SERVE_USAGE, SERVE_FLAGS));
    return 0;
  }
  const path = read.text('proxies') ?? read.words[0];
  if (path === undefined) throw new ConfigurationError('INVALID_OPTION', '--proxies', 'is missing: a file of proxies');
  const listed = await readProxyFile(path, terminal);
  const store = read.has('no-state') ? {} : { store: fileStore({ dir: read.text('state') ?? '.fairlead' }) };
  const pool = createPool({ proxies: listed.map(({ url }) => url), policy: policyOf(read), ...store });
  try {
    await serveOver(pool, listed.length, read, terminal, stop);
  } finally {
    await pool.close();
  }
  return 0;
}

async function serveOver(pool: Pool, count: number, read: Read, terminal: Terminal, stop: Stop): Promise<void> {
  const options = gatewayOptions(read);
  pool.on('pool-misconfigured', ({ code }) => terminal.err(`every proxy fails with ${code}: ${adviceOn(code)}\n`));
  const gateway = createGateway({ ...options, pool, ...log(read, terminal) });
  const { host, port } = addressOf(read);
  const socksPort = socksPortOf(read);
  const handle = await gateway.listen({ host, port, ...(socksPort === undefined ? {} : { socksPort }) });
  const also = handle.socksUrl === undefined ? '' : ` and ${handle.socksUrl}`;
  terminal.err(`${count} proxies behind ${handle.url}${also}\n`);
  const summary = new Summary(read.text('name') ?? 'fairlead', pool, gateway);
  const timer = setInterval(() => terminal.err(`${summary.line()}\n`), SUMMARY_MS);
  await stop.asked;
  clearInterval(timer);
  terminal.err('finishing what is under way\n');
  await handle.close();
  terminal.err(`${summary.line()}\n`);
}

function log(read: Read, { out }: Terminal) {
  if (read.has('quiet')) return {};
  const format = read.has('json') ? JSON.stringify : accessLine;
  return { onAccess: (record: Parameters<typeof accessLine>[0]) => out(`${format(record)}\n`) };
}

function adviceOn(code: string): string {
  return code === 'PROXY_AUTH' ? 'look at the credentials, and at session words in the user name' : 'look at the list';
}
