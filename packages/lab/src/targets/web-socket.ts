import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { ignore } from '../net/listener.js';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const CLOSE = 8;

/** Shakes hands by RFC 6455 and echoes each frame of less than 64 KB. */
export function acceptWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  socket.on('error', ignore);
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${GUID}`).digest('base64');
  const headers = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n`;
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${headers}\r\n`);
  let pending: Buffer = head;
  const echo = (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    for (let frame = readFrame(pending); frame; frame = readFrame(pending)) {
      pending = pending.subarray(frame.size);
      socket.write(writeFrame(frame.first, frame.payload));
      if ((frame.first & 15) === CLOSE) socket.end();
    }
  };
  echo(Buffer.alloc(0));
  socket.on('data', echo);
}

interface Frame {
  readonly first: number;
  readonly payload: Buffer;
  readonly size: number;
}

/** A client's frame, which is always masked; undefined while it is incomplete. */
function readFrame(bytes: Buffer): Frame | undefined {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return undefined;
  const long = (second & 127) === 126;
  const start = (long ? 4 : 2) + 4;
  if (bytes.length < start) return undefined;
  const length = long ? bytes.readUInt16BE(2) : second & 127;
  if (bytes.length < start + length) return undefined;
  const mask = bytes.subarray(start - 4, start);
  const payload = bytes.subarray(start, start + length).map((byte, i) => byte ^ (mask[i & 3] ?? 0));
  return { first, payload: Buffer.from(payload), size: start + length };
}

function writeFrame(first: number, payload: Buffer): Buffer {
  const length = payload.length < 126 ? [payload.length] : [126, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from([first, ...length]), payload]);
}
