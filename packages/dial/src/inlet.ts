import type { Socket } from 'node:net';

/** Takes bytes as they come from the proxy; false asks for no more until `resume`. The buffer is the taker's from then on. */
export type Sink = (chunk: Buffer) => boolean;

/**
 * A way in without a stream: bytes go from the socket's own read to a sink, which halves what a tunnel costs. Until
 * `openTo` is called they take the stream, as the handshake expects. For `http` and SOCKS proxies; a TLS connection to the
 * proxy has to be deciphered first, and there the inlet is never attached.
 */
export class Inlet {
  #socket: Socket | undefined;
  #sink: Sink | undefined;
  /** The stream was left alone so far, and reads by itself. */
  #flows = false;
  #size = SMALL;
  #last: Buffer | undefined;

  /** For `net.connect({ onread })`. */
  readonly onread = {
    // A new buffer for each read: the last one may still be on its way out.
    buffer: (): Uint8Array => (this.#last = take(this.#size)),
    callback: (length: number, buffer: Uint8Array): boolean => this.#read(length, buffer),
  };

  /** Tells it which socket was opened with its `onread`. */
  attach(socket: Socket): void {
    this.#socket = socket;
    // A tunnel that ends holds a buffer that was never filled.
    socket.on('close', () => this.release(this.#last));
  }

  /** Whether the socket was opened with it. */
  get attached(): boolean {
    return this.#socket !== undefined;
  }

  /** Until further notice bytes go to `sink`; without one they take the stream. For the handshake: nothing has come before. */
  hear(sink: Sink | undefined): void {
    this.#sink = sink;
    this.#flows = true;
  }

  /** From now on bytes go to the sink; what the stream already holds goes first. */
  openTo(sink: Sink): void {
    this.#sink = sink;
    const socket = this.#socket;
    if (socket === undefined || (this.#flows && socket.readableLength === 0)) return;
    for (let early = socket.read() as Buffer | null; early !== null; early = socket.read() as Buffer | null)
      sink(early);
    socket.resume();
  }

  /** Gives a buffer that a sink was handed back for further reads. */
  release(chunk: Buffer | undefined): void {
    if (chunk !== undefined) giveBack(chunk);
  }

  #read(length: number, buffer: Uint8Array): boolean {
    const filled = length === buffer.length;
    // An idle tunnel keeps a small buffer, one that is busy a large one.
    this.#size = filled || length > SMALL ? LARGE : SMALL;
    if (this.#sink !== undefined) return this.#sink(Buffer.from(buffer.buffer, buffer.byteOffset, length));
    return this.#socket?.push(Buffer.from(buffer.subarray(0, length))) ?? true;
  }
}

const SMALL = 4096;
const LARGE = 64 * 1024;

/** Buffers to read into that nobody uses at the moment: at most 5 MB of them. */
const spare = { small: [] as Buffer[], large: [] as Buffer[] };
const MOST_SMALL = 256;
const MOST_LARGE = 64;

/** The memory that was made here. Any other of the same size, as a slab of Node's is, has other buffers in it. */
const ours = new WeakSet<ArrayBufferLike>();

function take(size: number): Buffer {
  return (size === SMALL ? spare.small : spare.large).pop() ?? make(size);
}

/** Slow: each has memory of its own, so that the whole of it can be had back from any part. */
function make(size: number): Buffer {
  const made = Buffer.allocUnsafeSlow(size);
  ours.add(made.buffer);
  return made;
}

function giveBack({ buffer }: Buffer): void {
  // What came by the stream at first lies in memory of Node's own.
  if (!ours.has(buffer)) return;
  const size = buffer.byteLength;
  if (size === SMALL && spare.small.length < MOST_SMALL) spare.small.push(Buffer.from(buffer as ArrayBuffer));
  if (size === LARGE && spare.large.length < MOST_LARGE) spare.large.push(Buffer.from(buffer as ArrayBuffer));
}
