import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Access, AccessLog } from './access-log.js';
import type { Admission } from './admission.js';
import type { Destination } from './destination.js';
import { readTunnelControls } from './controls.js';
import { wishing, type Client, type Doorman } from './doorman.js';
import type { Line } from './line.js';
import { Cancellation } from './cancellation.js';
import { refuseSocket, Refusal, refusalOf } from './refusal.js';
import { checkFraming, readConnect } from './request-check.js';
import type { Switchboard } from './switchboard.js';

interface TunnelFrontParts {
  readonly doorman: Doorman;
  readonly admission: Admission;
  readonly switchboard: Switchboard;
  readonly log: AccessLog;
  readonly idleMs: number;
}

const ESTABLISHED = 'HTTP/1.1 200 Connection established\r\n\r\n';

/** Tunnels: the client hears of one when it stands, and of no attempt before. */
export class TunnelFront {
  readonly #parts: TunnelFrontParts;
  readonly #lines = new Set<Line>();
  /** Nothing new begins. */
  draining = false;

  constructor(parts: TunnelFrontParts) {
    this.#parts = parts;
  }

  /** Tunnels that stand. */
  get size(): number {
    return this.#lines.size;
  }

  closeAll(): void {
    for (const line of this.#lines) line.close();
  }

  /** A CONNECT, with the bytes that came right behind it. */
  readonly handle = (request: IncomingMessage, socket: Socket, head: Buffer): void => {
    const access = this.#parts.log.begin('connect');
    socket.on('error', () => undefined);
    this.#connect(access, request, socket, head).catch((error: unknown) => {
      const refusal = refusalOf(error);
      access.end({ status: refusal.status, code: refusal.code });
      refuseSocket(socket, refusal);
    });
  };

  /** Opens a line for a client that was let in and waits on `socket`; `answer` tells it that the line stands. */
  async open(
    access: Access,
    client: Client,
    destination: Destination,
    socket: Socket,
    head: Buffer,
    answer: () => void,
  ): Promise<void> {
    const line = await this.#find(access, client, destination, socket);
    this.#lines.add(line);
    answer();
    line.join(socket, head, this.#parts.idleMs, ({ sent, received, by, error }) => {
      this.#lines.delete(line);
      const { endpoint: proxy = 'direct', attempts, latencyMs } = line;
      const code = by === 'idle' ? 'IDLE' : by === 'us' ? 'CLOSED' : error;
      access.end({ status: 200, proxy, attempts, latencyMs, sent, received, ...(code === undefined ? {} : { code }) });
    });
  }

  // A client that closes, or ends before it has a tunnel, waits for nothing any more.
  async #find(access: Access, client: Client, destination: Destination, socket: Socket): Promise<Line> {
    const { admission, switchboard } = this.#parts;
    const gone = new Cancellation();
    const onGone = (): void => gone.abort();
    socket.once('end', onGone).once('close', onGone);
    try {
      if (this.draining) throw new Refusal(503, 'DRAINING', 'the gateway is about to close');
      admission.tunnel(access, client, destination);
      const line = await switchboard.open(client, destination, gone, () => (access.attempts += 1));
      socket.off('end', onGone).off('close', onGone);
      if (!gone.aborted && !socket.destroyed) return line;
      line.close();
      throw new Refusal(499, 'ABORTED', 'the client has gone');
    } catch (error) {
      client.ticket?.refused(refusalOf(error), destination.url);
      throw error;
    }
  }

  async #connect(access: Access, request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const framing = checkFraming(request);
    const controls = readTunnelControls(request.rawHeaders);
    const client = wishing(this.#parts.doorman.admit(framing.credentials, controls.key, socket), controls);
    const destination = readConnect(request, framing);
    await this.open(access, client, destination, socket, head, () => void socket.write(ESTABLISHED));
  }
}
