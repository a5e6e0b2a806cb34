import { connect, type Socket } from 'node:net';

/** A client as light as can be: what is measured is the gateway, and not who asks it. */
export interface Load {
  readonly gatewayPort: number;
  readonly targetPort: number;
  readonly requests: number;
  readonly concurrency: number;
  /** Count only what failed before its answer began: a tunnel that is cut under way nobody could have saved. */
  readonly onlyUnanswered?: boolean;
}

export interface Loaded {
  /** Requests that were carried: one that is refused at once is no quick one. */
  readonly perSecond: number;
  readonly failures: number;
  readonly p99Ms: number;
}

const HOST = '127.0.0.1';
/** A request that takes longer has failed, or a run would never end. */
const LONGEST_MS = 60_000;

/** A tunnel for each request: CONNECT, one request through it, closed. */
export function loadConnect(load: Load): Promise<Loaded> {
  return run(load, (left) => {
    const worker = async (): Promise<void> => {
      while (left.take()) left.note(await throughTunnel(load));
    };
    return worker();
  });
}

/** Plain requests in absolute form over one connection for each worker. */
export function loadPlain(load: Load): Promise<Loaded> {
  return run(load, async (left) => {
    let socket: Socket | undefined;
    while (left.take()) {
      socket ??= await opened(load.gatewayPort);
      const since = performance.now();
      const ok = socket !== undefined && (await plainOver(socket, load.targetPort));
      left.note(ok ? performance.now() - since : undefined);
      if (ok) continue;
      socket?.destroy();
      socket = undefined;
    }
    socket?.destroy();
  });
}

interface Counter {
  take(): boolean;
  /** How long one took; undefined when it failed. */
  note(tookMs: number | undefined): void;
}

async function run({ requests, concurrency }: Load, worker: (left: Counter) => Promise<void>): Promise<Loaded> {
  let left = requests;
  let failures = 0;
  const times: number[] = [];
  const counter: Counter = {
    take: () => (left -= 1) >= 0,
    note: (tookMs) => (tookMs === undefined ? (failures += 1) : times.push(tookMs)),
  };
  const since = performance.now();
  await Promise.all(Array.from({ length: concurrency }, () => worker(counter)));
  const seconds = (performance.now() - since) / 1000;
  times.sort((a, b) => a - b);
  return { perSecond: times.length / seconds, failures, p99Ms: times[Math.floor(times.length * 0.99)] ?? 0 };
}

function throughTunnel({ gatewayPort, targetPort, onlyUnanswered = false }: Load): Promise<number | undefined> {
  return new Promise((resolve) => {
    const since = performance.now();
    let stage: 'connect' | 'answer' = 'connect';
    let heard = '';
    let ok = false;
    let hangs = false;
    const socket = connect({ port: gatewayPort, host: HOST, noDelay: true });
    const patience = setTimeout(() => {
      hangs = true;
      socket.destroy();
    }, LONGEST_MS);
    socket.setEncoding('latin1');
    socket.write(`CONNECT ${HOST}:${targetPort} HTTP/1.1\r\nHost: ${HOST}:${targetPort}\r\n\r\n`);
    socket.on('data', (chunk: string) => {
      heard += chunk;
      if (stage === 'connect') {
        if (!heard.includes('\r\n\r\n')) return;
        if (!heard.startsWith('HTTP/1.1 200')) return void socket.destroy();
        stage = 'answer';
        heard = '';
        socket.write(`GET /bytes/100 HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`);
        return;
      }
      ok = isWhole(heard);
      if (ok) socket.destroy();
    });
    socket.on('error', () => undefined);
    const counts = (): boolean => ok || (onlyUnanswered && stage === 'answer' && !hangs);
    socket.on('close', () => {
      clearTimeout(patience);
      resolve(counts() ? performance.now() - since : undefined);
    });
  });
}

function opened(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: HOST, noDelay: true }, () => resolve(socket));
    socket.setEncoding('latin1');
    socket.on('error', () => resolve(undefined));
  });
}

function plainOver(socket: Socket, targetPort: number): Promise<boolean> {
  return new Promise((resolve) => {
    let heard = '';
    const patience = setTimeout(() => socket.destroy(), LONGEST_MS);
    const end = (ok: boolean): void => {
      clearTimeout(patience);
      socket.off('data', take).off('close', lost);
      resolve(ok);
    };
    const lost = (): void => end(false);
    const take = (chunk: string): void => {
      heard += chunk;
      if (isWhole(heard)) end(heard.startsWith('HTTP/1.1 200'));
    };
    socket.on('data', take).on('close', lost);
    if (socket.destroyed) return end(false);
    socket.write(
      `GET http://${HOST}:${targetPort}/bytes/100 HTTP/1.1\r\nHost: ${HOST}:${targetPort}\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n`,
    );
  });
}

function isWhole(text: string): boolean {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
  if (length === undefined) return text.endsWith('0\r\n\r\n');
  return text.length - head - 4 >= Number(length);
}

/** One tunnel, as many bytes as told: megabytes a second. */
export function loadBulk({ gatewayPort, targetPort }: Load, bytes: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let since = 0;
    let size = 0;
    const buffer = Buffer.allocUnsafe(256 * 1024);
    const socket = connect({
      port: gatewayPort,
      host: HOST,
      onread: {
        buffer,
        callback: (length, chunk) => {
          if (since > 0) {
            size += length;
            if (size >= bytes) {
              socket.destroy();
              resolve(size / 1e6 / ((performance.now() - since) / 1000));
            }
            return true;
          }
          if (!Buffer.from(chunk.subarray(0, 12)).toString('latin1').startsWith('HTTP/1.1 200'))
            reject(new Error('refused'));
          since = performance.now();
          socket.write(`GET /bytes/${bytes} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`);
          return true;
        },
      },
    });
    socket.on('error', reject).on('close', () => reject(new Error('the tunnel ended early')));
    socket.setTimeout(LONGEST_MS, () => socket.destroy());
    socket.write(`CONNECT ${HOST}:${targetPort} HTTP/1.1\r\nHost: ${HOST}:${targetPort}\r\n\r\n`);
  });
}
