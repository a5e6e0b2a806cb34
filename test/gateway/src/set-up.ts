import { once } from 'node:events';
import http from 'node:http';
import { connect, type Socket } from 'node:net';
import { createPool, type Pool, type PoolOptions } from '@fairlead/core';
import {
  createGateway,
  type AccessRecord,
  type Gateway,
  type GatewayHandle,
  type GatewayOptions,
} from '@fairlead/gateway';
import { onTestFinished } from 'vitest';

export interface Started {
  readonly gateway: Gateway;
  readonly handle: GatewayHandle;
  readonly pool: Pool;
  /** What the access log said. */
  readonly log: AccessRecord[];
}

export interface Setting extends Partial<GatewayOptions> {
  readonly poolOptions?: PoolOptions;
  readonly host?: string;
}

/** A gateway over these proxies, for as long as the test lasts. */
export async function startGateway(proxies: readonly string[], setting: Setting = {}): Promise<Started> {
  const { poolOptions, host, ...options } = setting;
  const pool = createPool({ proxies, policy: { abandon: false }, ...poolOptions });
  const log: AccessRecord[] = [];
  const gateway = createGateway({
    pool,
    ports: 'all',
    allowPrivate: ['127.0.0.0/8'],
    drainMs: 100,
    onAccess: (record) => log.push(record),
    ...options,
  });
  const handle = await gateway.listen({ socksPort: 0, ...(host === undefined ? {} : { host }) });
  onTestFinished(async () => {
    await handle.close();
    await pool.close();
  });
  return { gateway, handle, pool, log };
}

/** Says all of it at once and hears the connection to its end. */
export async function talk(port: number, say: string | Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let heard = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (heard += chunk));
  socket.on('error', () => undefined);
  socket.write(say);
  await once(socket, 'close');
  return heard;
}

export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
}

export async function openTunnel(
  port: number,
  authority: string,
  headers = '',
): Promise<{ readonly socket: Socket; readonly head: string }> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${headers}\r\n`);
  const [head] = (await once(socket, 'data')) as [Buffer];
  return { socket, head: head.toString('latin1') };
}

export function basic(user: string, password: string): string {
  return `Proxy-Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}\r\n`;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  readonly trailers: NodeJS.Dict<string>;
}

/** Sends a request to the gateway as Node's own client does to a proxy. */
export function ask(
  handle: GatewayHandle,
  url: string,
  options: http.RequestOptions = {},
  body?: string,
): Promise<Answer> {
  const headers = { Host: new URL(url).host, ...options.headers };
  return exchange({ host: handle.host, port: handle.port, path: url, ...options, headers }, body);
}

export async function exchange(options: http.RequestOptions, body?: string): Promise<Answer> {
  const request = http.request({ agent: false, ...options });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const { statusCode = 0, headers, trailers } = response;
  return { status: statusCode, headers, trailers, body: Buffer.concat(chunks).toString() };
}
