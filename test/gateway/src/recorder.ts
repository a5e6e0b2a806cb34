import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** A request as it came over the wire, by a reader that has nothing in common with the gateway's. */
export interface Recorded {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  readonly trailers: readonly string[];
}

export interface Recorder {
  readonly port: number;
  readonly requests: Recorded[];
  /** What could not be read as a request, or was left over when a connection ended. */
  readonly strays: string[];
  readonly close: () => Promise<void>;
}

/** A backend that records every request and answers each with its number. */
export async function startRecorder(): Promise<Recorder> {
  const requests: Recorded[] = [];
  const strays: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let kept = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      kept = Buffer.concat([kept, chunk]);
      for (;;) {
        const read = readOne(kept);
        if (read === undefined) return;
        if (typeof read === 'string') {
          strays.push(read);
          socket.destroy();
          return;
        }
        kept = kept.subarray(read.length);
        requests.push(read.request);
        const body = String(requests.length);
        const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`;
        socket.write(read.request.method === 'HEAD' ? head : head + body);
      }
    });
    socket.on('close', () => {
      sockets.delete(socket);
      if (kept.length > 0) strays.push(`left over: ${kept.toString('latin1').slice(0, 80)}`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    strays,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

type Read = { readonly request: Recorded; readonly length: number };

/** Undefined: more has to come. Text: this is no request. Strict to the letter: a gateway has no excuse. */
function readOne(bytes: Buffer): Read | string | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [line = '', ...fields] = bytes.toString('latin1', 0, end).split('\r\n');
  const [, method = '', path = ''] = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) (\/\S*|\*) HTTP\/1\.1$/.exec(line) ?? [];
  if (method === '') return `line: ${line}`;
  const headers: [string, string][] = [];
  for (const field of fields) {
    const [, name = '', value = ''] =
      /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\x20-\x7e\x80-\xff\t]*)$/.exec(field) ?? [];
    if (name === '') return `field: ${JSON.stringify(field)}`;
    headers.push([name.toLowerCase(), value.trim()]);
  }
  const of = (wanted: string): string[] => headers.filter(([name]) => name === wanted).map(([, value]) => value);
  const [lengths, codings, hosts] = [of('content-length'), of('transfer-encoding'), of('host')];
  if (hosts.length !== 1) return `${hosts.length} hosts`;
  if (lengths.length + codings.length > 1) return 'framed twice';
  const start = end + 4;
  const base = { method, path, headers };
  if (codings.length === 0) {
    const length = Number(lengths[0] ?? 0);
    if (!/^\d+$/.test(lengths[0] ?? '0')) return `length ${lengths[0]}`;
    if (bytes.length < start + length) return undefined;
    return { request: { ...base, body: bytes.subarray(start, start + length), trailers: [] }, length: start + length };
  }
  if (codings[0] !== 'chunked') return `coding ${codings[0]}`;
  return readChunks(bytes, start, base);
}

function readChunks(
  bytes: Buffer,
  start: number,
  base: Omit<Recorded, 'body' | 'trailers'>,
): Read | string | undefined {
  const parts: Buffer[] = [];
  let at = start;
  for (;;) {
    const line = bytes.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = bytes.toString('latin1', at, line);
    if (!/^[0-9a-f]+$/i.test(size)) return `chunk size ${size}`;
    const length = Number.parseInt(size, 16);
    at = line + 2;
    if (length === 0) break;
    if (bytes.length < at + length + 2) return undefined;
    parts.push(bytes.subarray(at, at + length));
    at += length;
    if (bytes.toString('latin1', at, at + 2) !== '\r\n') return 'a chunk without an end';
    at += 2;
  }
  const trailers: string[] = [];
  for (;;) {
    const line = bytes.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const field = bytes.toString('latin1', at, line);
    at = line + 2;
    if (field === '') return { request: { ...base, body: Buffer.concat(parts), trailers }, length: at };
    trailers.push(field);
  }
}
