import { brotliDecompressSync, constants, gunzipSync, inflateSync, type ZlibOptions } from 'node:zlib';

/** Holds an answer back until enough of its body is there to be looked at. */
export class BodyPeek<H> {
  readonly head: H;
  readonly chunks: Buffer[] = [];
  readonly #decode: Decode;
  readonly #bytes: number;
  #came = 0;
  #prefix: Uint8Array | undefined;

  constructor(head: H, encoding: string | string[] | undefined, bytes: number) {
    this.head = head;
    this.#decode = DECODERS[String(encoding ?? 'identity').toLowerCase()] ?? asItIs;
    this.#bytes = bytes;
  }

  /** True once there is enough. */
  add(chunk: Buffer): boolean {
    this.chunks.push(chunk);
    this.#came += chunk.length;
    return this.#came >= this.#bytes + (this.#decode === asItIs ? 0 : TABLES);
  }

  /** The first bytes, decoded; of what is packed in a way that nobody here knows, as they came. */
  prefix(): Uint8Array {
    this.#prefix ??= unpack(Buffer.concat(this.chunks), this.#decode, this.#bytes);
    return this.#prefix;
  }
}

/** What packed bytes may begin with before they say anything: a head, and tables of codes. */
const TABLES = 4096;

type Decode = (packed: Buffer, options: ZlibOptions) => Buffer;

const asItIs: Decode = (body) => body;

const DECODERS: Readonly<Record<string, Decode>> = Object.assign(Object.create(null), {
  identity: asItIs,
  gzip: (packed: Buffer, options: ZlibOptions) =>
    gunzipSync(packed, { ...options, finishFlush: constants.Z_SYNC_FLUSH }),
  deflate: (packed: Buffer, options: ZlibOptions) =>
    inflateSync(packed, { ...options, finishFlush: constants.Z_SYNC_FLUSH }),
  br: (packed: Buffer, options: ZlibOptions) =>
    brotliDecompressSync(packed, { ...options, finishFlush: constants.BROTLI_OPERATION_FLUSH }),
}) as Record<string, Decode>;

const LEAST_INPUT = 64;
/** What one step of unpacking may come to: a bomb goes no further. */
const MOST_OUTPUT = 1 << 20;

/** As much as is asked for, from as little of the packed bytes as will do: a few of them can hold megabytes. */
function unpack(packed: Buffer, decode: Decode, bytes: number): Uint8Array {
  if (decode === asItIs) return packed.subarray(0, bytes);
  let seen: Uint8Array = new Uint8Array();
  for (let taken = LEAST_INPUT; seen.length < bytes; taken *= 2) {
    try {
      seen = decode(packed.subarray(0, taken), { maxOutputLength: MOST_OUTPUT });
    } catch {
      break;
    }
    if (taken >= packed.length) break;
  }
  return seen.subarray(0, bytes);
}
