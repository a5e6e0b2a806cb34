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
  readonly onBytes: () => void;
  readonly onFirstByte: () => void;
  readonly onEnd: (end: RelayEnd) => void;
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

  constructor(client: Socket, upstream: Socket, inlet: Inlet, options: RelayOptions) {
    this.#client = client;
    this.#upstream = upstream;
    this.#inlet = inlet;
    this.#options = options;
    client.setNoDelay(true);
    // Reads and writes of this side are all that moves through the tunnel.
    upstream.setTimeout(options.idleMs, () => this.#end('idle'));
    client.on('data', this.#toUpstream).on('drain', () => upstream.resume());
    upstream.on('drain', () => client.resume());
    client.on('end', () => this.#ended('client', upstream)).on('error', () => this.#end('client'));
    upstream.on('end', () => this.#ended('upstream', client)).on('error', this.#failed);
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
    if (this.#received === 0) this.#options.onFirstByte();
    this.#received += chunk.length;
    this.#options.onBytes();
    return this.#client.write(chunk, () => this.#inlet.release(chunk));
  };

  readonly #failed = ({ code }: NodeJS.ErrnoException): void => {
    this.#error ??= code ?? 'UNKNOWN';
    this.#end('upstream');
  };

  /** One direction is done; the other may go on. */
  #ended(by: 'client' | 'upstream', other: Socket): void {
    this.#by ??= by;
    other.end();
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
    const { onEnd } = this.#options;
    onEnd({ sent: this.#sent, received: this.#received, by: this.#by, error: this.#error });
  }
}
