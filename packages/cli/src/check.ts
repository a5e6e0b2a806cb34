import { readFile } from 'node:fs/promises';
import { ConfigurationError } from '@fairlead/core';
import { helpOf, numberOf, readCommandLine, type Flags, type Read } from './command-line.js';
import { probe, type Probed, type ProbeTerms } from './probe.js';
import { ProgressBar } from './progress-bar.js';
import { readProxyFile, type Listed } from './proxy-file.js';
import { asCsv, asTable } from './report.js';
import type { Terminal } from './terminal.js';

const USAGE = 'fairlead check list.txt [flags]: which proxies live, what they speak, how quick they are';

const FLAGS: Flags = {
  target: { type: 'string', help: 'what to ask for through each proxy (https://example.com/)' },
  ca: { type: 'string', help: 'file with the authority of the target, where it is one of your own' },
  timeout: { type: 'string', help: 'milliseconds for each try (10000)' },
  concurrency: { type: 'string', help: 'proxies at once (50)' },
  json: { type: 'boolean', help: 'the result as JSON' },
  csv: { type: 'boolean', help: 'the result as CSV' },
};

/** 0: all of them live. 1: some do not. */
export async function check(argv: readonly string[], terminal: Terminal): Promise<number> {
  const read = readCommandLine(argv, { ...FLAGS, help: { type: 'boolean', help: 'this text' } });
  if (read.has('help')) {
    terminal.out(helpOf(USAGE, FLAGS));
    return 0;
  }
  const [path] = read.words;
  if (path === undefined) throw new ConfigurationError('INVALID_OPTION', 'check', 'needs a file of proxies');
  const terms = await termsOf(read);
  const listed = await readProxyFile(path, terminal);
  const probed = await probeAll(listed, terms, numberOf(read, 'concurrency', 50), terminal);
  if (read.has('json')) terminal.out(`${JSON.stringify(probed)}\n`);
  else if (read.has('csv')) terminal.out(asCsv(probed));
  else terminal.out(asTable(probed));
  const live = probed.filter((one) => one.live).length;
  terminal.err(`${live} of ${probed.length} live\n`);
  return live === probed.length ? 0 : 1;
}

async function termsOf(read: Read): Promise<ProbeTerms> {
  const text = read.text('target') ?? 'https://example.com/';
  const target = URL.canParse(text) ? new URL(text) : undefined;
  if (target?.protocol !== 'http:' && target?.protocol !== 'https:') {
    throw new ConfigurationError('INVALID_OPTION', '--target', 'must be an http or https URL');
  }
  const file = read.text('ca');
  const ca = file === undefined ? {} : { ca: await readFile(file, 'utf8') };
  return { target, timeoutMs: numberOf(read, 'timeout', 10_000), ...ca };
}

/** So many at once, answers in the order of the list. */
async function probeAll(
  listed: readonly Listed[],
  terms: ProbeTerms,
  concurrency: number,
  terminal: Terminal,
): Promise<readonly Probed[]> {
  const bar = new ProgressBar(listed.length, terminal);
  const probed: Probed[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < listed.length) {
      const index = next;
      next += 1;
      const one = await probe(listed[index]!, terms);
      probed[index] = one;
      bar.step(one.live);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, listed.length) }, worker));
  bar.end();
  return probed;
}
