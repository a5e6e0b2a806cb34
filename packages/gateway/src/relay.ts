import type { Socket } from 'node:net';
import type { Inlet } from '@fairlead/dial';

/** How a tunnel ended, and what it carried. */
export interface RelayEnd {
  /** Bytes from the client, and bytes for it. */
  readonly sent: number;
  readonly received: number;
  /** Who ended it; `idle` when nobody did for too long. */
  readonly by: 'client' | 'upstream' | 'idle' | 'us';
  /** The error of Node's that the upstream ended with, if it did not end in order. */
  readonly error: string | undefined;
}

export interface RelayOptions {
  /** A tunnel through which nothing moves for so long is closed. */
  readonly idleMs: number;
  onBytes(): void;
  onFirstByte(): void;
  onEnd(end: RelayEnd): void;
}

/** Joins a client and an upstream until either ends. The answer closes both. */
export function relay(client: Socket, upstream: Socket, inlet: Inlet, options: RelayOptions): () => void {
  return new Relay(client, upstream, inlet, options).close;
}

class Relay {
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #inlet: Inlet;
  readonly #options: RelayOptions;
  #sent = 0;
  #received = 0;
  #by: RelayEnd['by'] | undefined;
  #error: string | undefined;
  #open = 2;
  /** The side that is done, while the other may go on. */
  #ended: Socket | undefined;
  /** What the client has not taken yet. */
  #underway: Buffer[] | undefined;

  constructor(client: Socket, upstream: Socket, inlet: Inlet, options: RelayOptions) {
    this.#client = client;
    this.#upstream = upstream;
    this.#inlet = inlet;
    this.#options = options;
    // Reads and writes of this side are all that moves through the tunnel.
    upstream.setTimeout(options.idleMs, () => this.#end('idle'));
    client.on('data', this.#toUpstream).on('drain', () => upstream.resume());
    upstream.on('drain', () => client.resume());
    client.on('end', () => this.#endedBy('client', client, upstream)).on('error', () => this.#end('client'));
    upstream.on('end', () => this.#endedBy('upstream', upstream, client)).on('error', this.#failed);
    client.on('close', () => this.#closed('client', upstream));
    upstream.on('close', () => this.#closed('upstream', client));
    if (inlet.attached) inlet.openTo(this.#toClient);
    else upstream.on('data', (chunk: Buffer) => this.#toClient(chunk) || upstream.pause());
    client.resume();
  }

  readonly close = (): void => this.#end('us');

  readonly #toUpstream = (chunk: Buffer): void => {
    this.#sent += chunk.length;
    this.#options.onBytes();
    if (!this.#upstream.write(chunk)) this.#client.pause();
  };

  readonly #toClient = (chunk: Buffer): boolean => {
    const client = this.#client;
    if (this.#received === 0) this.#options.onFirstByte();
    this.#received += chunk.length;
    this.#options.onBytes();
    if (client.writableLength === 0) this.#releaseAll();
    const goesOn = client.write(chunk);
    // A write that the kernel took at once is over: no callback for each.
    if (client.writableLength === 0) this.#inlet.release(chunk);
    else (this.#underway ??= []).push(chunk);
    return goesOn;
  };

  #releaseAll(): void {
    for (const chunk of this.#underway?.splice(0) ?? []) this.#inlet.release(chunk);
  }

  readonly #failed = ({ code }: NodeJS.ErrnoException): void => {
    this.#error ??= code ?? 'UNKNOWN';
    this.#end('upstream');
  };

  /** One direction is done; the other may go on. Once both are, or none is left to go on, sockets close without a word of farewell. */
  #endedBy(by: 'client' | 'upstream', side: Socket, other: Socket): void {
    this.#by ??= by;
    const both = this.#ended !== undefined;
    this.#ended = side;
    // A close would reset what the other still sends, and with it what it has not read.
    if (!both) return void other.end();
    close(side);
    close(other);
  }

  #end(by: RelayEnd['by']): void {
    this.#by ??= by;
    this.#client.destroy();
    this.#upstream.destroy();
  }

  #closed(by: 'client' | 'upstream', other: Socket): void {
    this.#by ??= by;
    this.#open -= 1;
    if (this.#open > 0) {
      // What is left for a client that does not take it has no timer any more: that was the upstream's.
      if (by === 'upstream' && other.writableLength > 0)
        other.setTimeout(this.#options.idleMs, () => this.#end('idle'));
      return void other.destroySoon();
    }
    this.#options.onEnd({ sent: this.#sent, received: this.#received, by: this.#by, error: this.#error });
  }
}

/** With all that was written to it. Where that is nothing any more its close says what an end of its own would. */
function close(socket: Socket): void {
  if (socket.writableLength === 0) socket.destroy();
  else socket.destroySoon();
}
