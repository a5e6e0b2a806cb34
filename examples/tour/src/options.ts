import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseProxyList, type ProxyInput } from '@fairlead/core';

/** What the tour is asked for: nothing shows it on the lab, a list and a URL show it on the user's own. */
export interface TourOptions {
  readonly own: { readonly proxies: readonly ProxyInput[]; readonly url: string } | undefined;
  /** Pages that each client fetches. */
  readonly pages: number;
}

export const USAGE = `npm start                                              a shop and six proxies on loopback
npm start -- --proxies my.txt --url https://…          your own list, one proxy a line
npm start -- --proxies my.txt --url https://… --pages 50`;

/** Reads the command line; what is wrong with it is said in the error. */
export function readOptions(args: readonly string[]): TourOptions {
  const { values } = parseArgs({
    args: [...args],
    options: { proxies: { type: 'string' }, url: { type: 'string' }, pages: { type: 'string' } },
  });
  const { proxies: file, url } = values;
  const pages = Number(values.pages ?? (file === undefined ? 60 : 20));
  if (!Number.isInteger(pages) || pages < 1) throw new Error('--pages must be a whole number above 0');
  if (file === undefined && url === undefined) return { own: undefined, pages };
  if (file === undefined || url === undefined) throw new Error('--proxies and --url go together');
  if (!/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : ''))
    throw new Error('--url must be an http(s) URL');
  const { urls: proxies, errors } = parseProxyList(readFileSync(file, 'utf8'));
  for (const { message } of errors) process.stderr.write(`${file}: ${message}\n`);
  if (proxies.length === 0) throw new Error(`${file} holds no proxy`);
  return { own: { proxies, url }, pages };
}
