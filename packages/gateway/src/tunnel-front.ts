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
import type { RelayEnd } from './relay.js';
import type { Switchboard } from './switchboard.js';

interface TunnelFrontParts {
  readonly doorman: Doorman;
  readonly admission: Admission;
  readonly switchboard: Switchboard;
  readonly log: AccessLog;
  readonly idleMs: number;
}

/** Who waits for a tunnel, where, and the bytes that came right behind the request for it. */
interface Caller {
  readonly client: Client;
  readonly socket: Socket;
  readonly head: Buffer;
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
    socket.on('error', ignore);
    const refuse = (error: unknown): void => {
      const refusal = refusalOf(error);
      access.end({ status: refusal.status, code: refusal.code });
      refuseSocket(socket, refusal);
    };
    try {
      const framing = checkFraming(request);
      const controls = readTunnelControls(request.rawHeaders);
      const client = wishing(this.#parts.doorman.admit(framing.credentials, controls.key, socket), controls);
      const destination = readConnect(request, framing);
      this.open(access, { client, socket, head }, destination, answerStands, refuse);
    } catch (error) {
      refuse(error);
    }
  };

  /** Opens a line for a client that was let in; `answer` tells it that the line stands, `refuse` why there is none. */
  open(
    access: Access,
    { client, socket, head }: Caller,
    destination: Destination,
    answer: (socket: Socket) => void,
    refuse: (error: unknown) => void,
  ): void {
    const gone = new Cancellation();
    // A client that closes, or ends before it has a tunnel, waits for nothing any more. Later there is nothing to call off.
    const onGone = (): void => gone.abort();
    socket.on('end', onGone).on('close', onGone);
    const missed = (error: unknown): void => {
      client.ticket?.refused(refusalOf(error), destination.url);
      refuse(error);
    };
    const found = (line: Line): void => {
      if (gone.aborted || socket.destroyed) {
        line.close();
        return missed(new Refusal(499, 'ABORTED', 'the client has gone'));
      }
      this.#lines.add(line);
      answer(socket);
      line.join(socket, head, this.#parts.idleMs, (end) => this.#ended(access, line, end));
    };
    try {
      if (this.draining) throw new Refusal(503, 'DRAINING', 'the gateway is about to close');
      this.#parts.admission.tunnel(access, client, destination);
      this.#parts.switchboard.open({ access, client, destination, gone }, found, missed);
    } catch (error) {
      missed(error);
    }
  }

  #ended(access: Access, line: Line, { sent, received, by, error }: RelayEnd): void {
    this.#lines.delete(line);
    const { endpoint: proxy = 'direct', attempts, latencyMs } = line;
    const code = by === 'idle' ? 'IDLE' : by === 'us' ? 'CLOSED' : error;
    access.end({ status: 200, proxy, attempts, latencyMs, sent, received, code });
  }
}

function answerStands(socket: Socket): void {
  socket.write(ESTABLISHED, 'latin1');
}

function ignore(): void {}
