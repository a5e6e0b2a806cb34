import { seededRandom } from '@fairlead/core/testing';

/** A request made by chance: what goes on the wire, and whether anybody may take it for one request. */
export interface Generated {
  readonly wire: Buffer;
  /** Undefined where it is broken: then nobody may pass it on. */
  readonly expected:
    | { readonly method: string; readonly path: string; readonly body: string; readonly tag: string }
    | undefined;
}

/** The same requests for the same seed. Half of those that can be broken are, each in one way. */
export function* generate(seed: number, authority: string): Generator<Generated> {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)]!;
  for (let index = 0; ; index += 1) {
    const tag = `${seed}-${index}`;
    const method = pick(['GET', 'GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'PROPFIND']);
    const path = `/${pick(['', 'a', 'a/b', 'x%20y', 'q?x=1&y=2', '%2e%2e/z', 'a//b', '?0'])}`;
    const body = method === 'GET' || method === 'HEAD' ? '' : bodyOf(below, pick);
    const framing = body === '' ? 'none' : pick(['length', 'chunked', 'chunked', 'trailers'] as const);
    const target =
      method === 'PROPFIND' && random() < 0.5
        ? `http://${authority.toUpperCase()}${path}`
        : `http://${authority}${path}`;
    const fields = [
      `Host: ${authority}`,
      `X-Tag: ${tag}`,
      ...(random() < 0.3 ? ['Connection: keep-alive, X-Hop', 'X-Hop: 1'] : []),
      ...(random() < 0.2 ? ['Cookie: a=b', 'Cookie: c=d'] : []),
      ...(random() < 0.2 ? ['Proxy-Connection: keep-alive'] : []),
      ...(random() < 0.2 ? [`X-Long: ${'x'.repeat(below(4000))}`] : []),
      // Where a reader stops counting, and one that does not goes on.
      ...(random() < 0.05 ? Array.from({ length: 60 + below(120) }, (_, at) => `f${at}:${at}`) : []),
      ...framingOf(framing, body),
    ];
    const breaker = random() < 0.25 ? pick(BREAKERS) : undefined;
    const head = { line: `${method} ${target} HTTP/1.1`, fields };
    const content =
      framing === 'none' ? '' : framing === 'length' ? body : chunked(body, below, framing === 'trailers');
    const broken = breaker?.(head, content);
    const { line, fields: sent, content: payload } = { ...head, content, ...broken };
    const wire = Buffer.from(`${line}\r\n${sent.join('\r\n')}\r\n\r\n${payload}`, 'latin1');
    yield { wire, expected: breaker === undefined ? { method, path, body, tag } : undefined };
  }
}

function framingOf(framing: string, body: string): string[] {
  if (framing === 'length') return [`Content-Length: ${body.length}`];
  if (framing === 'chunked') return ['Transfer-Encoding: chunked'];
  return framing === 'trailers' ? ['Trailer: X-Sum', 'Transfer-Encoding: chunked'] : [];
}

/** Bodies that look like what stands around them. */
function bodyOf(below: (limit: number) => number, pick: <T>(items: readonly T[]) => T): string {
  return pick([
    '0\r\n\r\n',
    'GET http://127.0.0.1/smuggled HTTP/1.1\r\nHost: x\r\n\r\n',
    '\r\n\r\n',
    'a'.repeat(1 + below(20_000)),
    `5\r\nhello\r\n0\r\n\r\n`,
    'x',
  ]);
}

function chunked(body: string, below: (limit: number) => number, trailers: boolean): string {
  let wire = '';
  for (let at = 0; at < body.length;) {
    const size = Math.min(body.length - at, 1 + below(body.length));
    wire += `${size.toString(16)}${below(4) === 0 ? ';name=value' : ''}\r\n${body.slice(at, at + size)}\r\n`;
    at += size;
  }
  return `${wire}0\r\n${trailers ? 'X-Sum: 1\r\n' : ''}\r\n`;
}

interface Head {
  readonly line: string;
  readonly fields: readonly string[];
}

type Breaker = (head: Head, content: string) => Partial<Head & { readonly content: string }>;

const add =
  (...more: string[]): Breaker =>
  (head) => ({ fields: [...head.fields, ...more] });

/** Every way to be broken that two readers have been known to read in two ways. */
const BREAKERS: readonly Breaker[] = [
  (head) => ({ fields: [...Array.from({ length: 201 }, () => 'f:'), ...head.fields] }),
  add('Content-Length: 5', 'Transfer-Encoding: chunked'),
  add('Content-Length: 5', 'Content-Length: 6'),
  add('Content-Length: +5'),
  add('Content-Length: 5, 5'),
  add('Content-Length: 0x5'),
  add('Content-Length: -1'),
  add('Transfer-Encoding: gzip, chunked'),
  add('Transfer-Encoding: chunked, identity'),
  add('Transfer-Encoding: xchunked'),
  add('Transfer-Encoding : chunked'),
  add('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
  add('Host: other.example'),
  add('X Space: 1'),
  add('X-Nul: a\u0000b'),
  add('X-Cr: a\rb'),
  (head) => ({ fields: head.fields.map((field) => (field.startsWith('Host') ? 'Host: other.example' : field)) }),
  (head) => ({ line: head.line.replace('HTTP/1.1', 'HTTP/1.9') }),
  (head) => ({ line: head.line.replace(' HTTP/1.1', ' x HTTP/1.1') }),
  (head) => ({ line: head.line.replace('http://', 'http://user@') }),
  () => ({ fields: ['Host: 127.0.0.1', 'Transfer-Encoding: chunked'], content: 'zz\r\nhello\r\n0\r\n\r\n' }),
  (head) => ({ fields: head.fields.filter((field) => !field.startsWith('Host')) }),
];
