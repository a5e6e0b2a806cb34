import type { Socket } from 'node:net';
import { Refusal } from './refusal.js';

/** More than the longest conversation has; what a client sends before it was asked is kept for its tunnel. */
const MOST = 16 * 1024;

/** Reads a conversation by exact numbers of bytes, however they are cut. */
export class SocksReader {
  readonly #socket: Socket;
  #kept = Buffer.alloc(0);
  #wanted: { readonly size: number; readonly resolve: (bytes: Buffer) => void } | undefined;
  #fail: ((error: Error) => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#take).on('end', this.#gone).on('close', this.#gone);
  }

  read(size: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed || this.#socket.readableEnded) return reject(gone());
      this.#wanted = { size, resolve };
      this.#fail = reject;
      this.#serve();
    });
  }

  /** Stops reading; what is left belongs to the tunnel. */
  end(): Buffer {
    this.#socket.off('data', this.#take).off('end', this.#gone).off('close', this.#gone).pause();
    return this.#kept;
  }

  #serve(): void {
    const wanted = this.#wanted;
    if (wanted === undefined || this.#kept.length < wanted.size) return;
    this.#wanted = undefined;
    const bytes = this.#kept.subarray(0, wanted.size);
    this.#kept = this.#kept.subarray(wanted.size);
    wanted.resolve(bytes);
  }

  readonly #take = (chunk: Buffer): void => {
    this.#kept = Buffer.concat([this.#kept, chunk]);
    if (this.#kept.length > MOST) this.#socket.pause();
    this.#serve();
  };

  readonly #gone = (): void => this.#fail?.(gone());
}

function gone(): Refusal {
  return new Refusal(499, 'ABORTED', 'the client has gone');
}
