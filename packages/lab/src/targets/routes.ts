import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  /** Sends a TCP reset, under any TLS. */
  readonly reset: () => void;
}

export type Route = (exchange: Exchange) => void | Promise<void>;
export type Routes = Readonly<Record<string, Route>>;

/** The first segment of the path chooses the behaviour; what follows it and the query are its arguments. */
export const routes = {
  /** `/status/429?retry-after=3` */
  status: ({ response, url }) => {
    const retryAfter = url.searchParams.get('retry-after');
    const asked = Number(argument(url) || 200);
    const status = Number.isInteger(asked) && asked >= 200 && asked <= 999 ? asked : 400;
    const body = status === 204 || status === 304 ? '' : `status ${status}\n`;
    if (body !== '') response.setHeader('Content-Length', body.length);
    if (retryAfter !== null) response.setHeader('Retry-After', retryAfter);
    response.writeHead(status).end(body);
  },
  /** Method, headers, address and body as JSON. */
  echo: async ({ request, response }) => {
    const body = (await buffer(request)).toString('utf8');
    const { method, url: path, headers, socket } = request;
    json(response, { method, path, headers, remoteAddress: socket.remoteAddress, body });
  },
  /** `/bytes/1000000` */
  bytes: ({ response, url }) => {
    const size = Number(argument(url));
    response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': size });
    sendZeros(response, size);
  },
  /** Reads the request and never answers. */
  hang: ({ request }) => void request.resume(),
  /** Answers with a head and then a body that never ends: one byte every `every` milliseconds (100). */
  slow: ({ response, url }) => {
    response.writeHead(200, { 'Content-Type': 'text/plain' }).write('.');
    const timer = setInterval(() => response.write('.'), Number(url.searchParams.get('every') ?? 100));
    response.once('close', () => clearInterval(timer));
  },
  /** Resets before any answer. */
  reset: ({ reset }) => reset(),
  /** Closes before any answer. */
  close: ({ request }) => void request.socket.destroy(),
  /** `/reset-body/500` promises twice as much and resets after 500 bytes. */
  'reset-body': ({ response, url, reset }) => {
    const size = Number(argument(url) || 500);
    response.writeHead(200, { 'Content-Length': 2 * size });
    // A libuv client that gets bytes and reset in one turn sees a clean end: let it read first.
    response.write(Buffer.alloc(size), () => setTimeout(reset, 50));
  },
  /** `/close-body/500` promises twice as much and closes after 500 bytes. */
  'close-body': ({ request, response, url }) => {
    const size = Number(argument(url) || 500);
    response.writeHead(200, { 'Content-Length': 2 * size });
    response.write(Buffer.alloc(size), () => request.socket.destroy());
  },
  /** `/redirect?to=https://other/&status=307` */
  redirect: ({ response, url }) => {
    const { searchParams } = url;
    response
      .writeHead(Number(searchParams.get('status') ?? 302), { Location: searchParams.get('to') ?? '/echo' })
      .end();
  },
  /** `/cookies?a=1&b=2` sets them; what the client sent comes back. */
  cookies: ({ request, response, url }) => {
    response.setHeader(
      'Set-Cookie',
      [...url.searchParams].map(([name, value]) => `${name}=${value}; Path=/`),
    );
    json(response, { cookie: request.headers.cookie ?? '' });
  },
  /** `/gzip/1000`: that many zeros, compressed. */
  gzip: ({ response, url }) => {
    const body = gzipSync(Buffer.alloc(Number(argument(url) || 1000), '0'));
    response.writeHead(200, { 'Content-Encoding': 'gzip', 'Content-Length': body.length }).end(body);
  },
} satisfies Record<string, Route>;

/** The names of the behaviours. */
export type RouteName = keyof typeof routes;

/** The behaviour for a path; one without a name answers 200. */
export function routeFor(pathname: string, own: Routes = {}): Route {
  const name = pathname.split('/')[1] ?? '';
  if (Object.hasOwn(own, name)) return own[name]!;
  return Object.hasOwn(routes, name) ? routes[name as RouteName] : routes.status;
}

function argument(url: URL): string {
  return url.pathname.split('/')[2] ?? '';
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

const CHUNK = Buffer.alloc(64 * 1024);

function sendZeros(response: ServerResponse, left: number): void {
  while (left > 0) {
    const chunk = CHUNK.subarray(0, Math.min(left, CHUNK.length));
    left -= chunk.length;
    if (!response.write(chunk)) {
      response.once('drain', () => sendZeros(response, left));
      return;
    }
  }
  response.end();
}
