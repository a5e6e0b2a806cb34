import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { certificates } from './certificates.js';
import { readExactly, readUntil } from './read.js';

/** All that a conversation brought: what was said, and the error it ended with if any. */
export interface Heard {
  readonly bytes: Buffer;
  readonly text: string;
  readonly error?: string;
}

export interface Script {
  readonly host?: string;
  readonly port: number;
  /** Sent at once, without waiting for replies in between. */
  readonly say?: string | Uint8Array;
  /** Leave as soon as this many bytes were heard; without it, wait for the server to close. */
  readonly leaveAfter?: number;
}

/** A client without opinions: says its lines, hears all, and judges nothing. */
export function converse({ host = '127.0.0.1', port, say = '', leaveAfter }: Script): Promise<Heard> {
  return hear(connect({ host, port }), say, leaveAfter);
}

/** The same over TLS, trusting the lab's CA; `through` a socket that is already open. */
export function converseTls(
  script: Script & { readonly through?: Socket; readonly servername?: string },
): Promise<Heard> {
  const { host = '127.0.0.1', port, say = '', leaveAfter, through, servername } = script;
  const name = servername ? { servername } : {};
  const socket = connectTls({ host, port, ca: certificates().ca, ...name, ...(through && { socket: through }) });
  return hear(socket, say, leaveAfter);
}

/**
 * Asks for a tunnel in whatever words and resolves with the socket once it is answered: by so many
 * bytes, or up to that text. Several lines are each answered before the next is said.
 */
export async function openTunnel(
  port: number,
  say: string | Uint8Array | readonly Uint8Array[],
  answer: number | string | readonly number[],
): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  const lines = Array.isArray(say) ? (say as readonly Uint8Array[]) : [say as string | Uint8Array];
  const answers = typeof answer === 'object' ? answer : [answer];
  for (const [i, line] of lines.entries()) {
    socket.write(line);
    const expected = answers[i] ?? 0;
    await (typeof expected === 'string' ? readUntil(socket, expected) : readExactly(socket, expected));
  }
  return socket;
}

export async function hear(socket: Socket, say: string | Uint8Array = '', leaveAfter?: number): Promise<Heard> {
  const chunks: Buffer[] = [];
  let size = 0;
  let error: string | undefined;
  const leave = () => {
    if (leaveAfter !== undefined && size >= leaveAfter) socket.end();
  };
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    leave();
  });
  socket.on('error', (problem: NodeJS.ErrnoException) => (error = problem.code));
  if (say.length > 0) socket.write(say);
  leave();
  await new Promise((resolve) => socket.once('close', resolve));
  const bytes = Buffer.concat(chunks);
  return { bytes, text: bytes.toString('latin1'), ...(error && { error }) };
}
