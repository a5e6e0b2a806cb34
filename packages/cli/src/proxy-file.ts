import { readFile } from 'node:fs/promises';
import { ConfigurationError, parseProxyList, type ProxyUrl } from '@fairlead/core';
import type { Terminal } from './terminal.js';

/** Larger lists are a mistake. */
const MOST_BYTES = 10 * 2 ** 20;

/** One address of a list; one that was written without a scheme may turn out to speak another. */
export interface Listed {
  readonly url: ProxyUrl;
  readonly bare: boolean;
}

/** Reads a list file; lines that cannot be read are named on the terminal, and none of their text is shown. */
export async function readProxyFile(path: string, { err }: Terminal): Promise<readonly Listed[]> {
  const text = await readText(path);
  const { urls, errors, unreadable } = parseProxyList(text);
  const others = parseProxyList(text, { scheme: 'socks5h' }).urls;
  for (const { message } of errors) err(`${path}: ${message}\n`);
  if (unreadable > errors.length) err(`${path}: and ${unreadable - errors.length} more lines\n`);
  if (urls.length === 0) throw new ConfigurationError('INVALID_OPTION', path, 'holds no proxy that could be read');
  return urls.map((url, index) => ({ url, bare: others[index]?.scheme !== url.scheme }));
}

async function readText(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigurationError('INVALID_OPTION', path, `could not be read (${error.code ?? 'error'})`);
  });
  if (text.length > MOST_BYTES) throw new ConfigurationError('INVALID_OPTION', path, 'is over 10 MB');
  return text;
}
