import { finished, Readable } from 'node:stream';
import type { ProxyInfo, Request, Session } from '@crawlee/core';

/** As much of a crawling context as the pool looks at; those of all crawlers have it. */
export interface PageContext {
  readonly request: Request;
  readonly session?: Session | undefined;
  readonly proxyInfo?: ProxyInfo | undefined;
  readonly response?: unknown;
  readonly crawler: object;
}

/** A navigation hook of yours; its options are those of the crawler's kind. */
export type PageHook<Context> = (context: Context, options: never) => unknown;
export type ErrorHandler<Context> = (context: Context, error: Error) => unknown;

/** Hooks as crawlers of every kind take them. */
export type CrawlerHook<Context> = (context: Context, options: unknown) => Promise<void>;
export type CrawlerErrorHandler<Context> = (context: Context, error: Error) => Promise<void>;

/** What a server answered, of an HTTP crawler or of a browser. */
export interface Answer {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  /** Where it came from, after redirects. */
  readonly url: string | undefined;
}

/** Reads an answer as Node's client, Crawlee's own clients or a browser's driver has it; undefined when there is none. */
export function answerOf(response: unknown): Answer | undefined {
  if (typeof response !== 'object' || response === null) return undefined;
  const { status, statusCode, headers, url } = response as Readonly<Record<string, unknown>>;
  const code = typeof status === 'function' ? (status.call(response) as unknown) : (statusCode ?? status);
  if (typeof code !== 'number') return undefined;
  const fields = typeof headers === 'function' ? (headers.call(response) as unknown) : headers;
  const from = typeof url === 'function' ? (url.call(response) as unknown) : url;
  const whole = typeof from === 'string' && URL.canParse(from) ? from : undefined;
  return { status: code, header: (name) => headerOf(fields, name), url: whole };
}

/** Calls back once the body of an answer was read, or broke off: Crawlee's hooks run before that. */
export function whenRead(response: unknown, done: (broke: boolean) => void): void {
  if (response instanceof Readable) finished(response, { writable: false }, (error) => done(error != null));
  else done(false);
}

function headerOf(fields: unknown, name: string): string | undefined {
  if (typeof fields !== 'object' || fields === null || !Object.hasOwn(fields, name)) return undefined;
  const value = (fields as Readonly<Record<string, unknown>>)[name];
  return Array.isArray(value) ? value.join(', ') : typeof value === 'string' ? value : undefined;
}
