import { crc32 } from 'node:zlib';

const NEWLINE = 10;
const CRC_DIGITS = 8;
const HEX = /^[0-9a-f]{8} $/;

/** One line with its checksum before it: what was cut short or changed on the disk is told from what was written. */
export function framed(payload: string): string {
  return `${crc32(payload).toString(16).padStart(CRC_DIGITS, '0')} ${payload}\n`;
}

/** Takes bytes as they come and hands out the lines whose checksums hold; counts the others. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);
  /** Lines that were not what had been written. A last line without its end is none: a crash cut it short. */
  damaged = 0;

  read(chunk: Uint8Array, take: (payload: string) => boolean): void {
    const bytes = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      const payload = payloadOf(bytes, start, end);
      if (payload === undefined || !take(payload)) this.damaged += 1;
      start = end + 1;
    }
    this.#rest = bytes.subarray(start);
  }
}

function payloadOf(bytes: Buffer, start: number, end: number): string | undefined {
  const body = start + CRC_DIGITS + 1;
  if (end < body) return undefined;
  const head = bytes.toString('latin1', start, body);
  if (!HEX.test(head) || crc32(bytes.subarray(body, end)) !== Number.parseInt(head, 16)) return undefined;
  return bytes.toString('utf8', body, end);
}
