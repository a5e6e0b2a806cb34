import * as http from 'node:http';
import { TLSSocket } from 'node:tls';
import { certificates } from '../net/certificates.js';
import { connectTo } from '../net/destination.js';
import { ignore } from '../net/listener.js';
import { connected, relay } from '../net/relay.js';
import type { Scene } from './fault.js';

// The things a fault can do to a client. Each is a strike or makes one.

export function close({ socket }: Scene): void {
  socket.resume().end();
}

export function reset({ raw }: Scene): void {
  raw.resetAndDestroy();
}

/** Says nothing. It reads on, because a server that never reads does not notice that the client has left. */
export function silence({ socket }: Scene): void {
  socket.resume();
}

export function say(bytes: string | Uint8Array) {
  return ({ socket }: Scene) => {
    socket.write(bytes);
    socket.resume();
  };
}

export function sayAndClose(bytes: string | Uint8Array) {
  return ({ socket }: Scene) => {
    socket.end(bytes);
    socket.resume();
  };
}

/** The reset comes `every` ms after the bytes: a libuv client that gets both in one turn sees a clean end instead. */
export function sayAndReset(bytes: string | Uint8Array) {
  return ({ socket, raw, every }: Scene) =>
    void socket.write(bytes, () => setTimeout(() => raw.resetAndDestroy(), every));
}

/** Resets as soon as the client speaks again. */
export function resetOnNext({ socket, raw }: Scene): void {
  socket.once('data', () => raw.resetAndDestroy());
}

/** One byte every `every` milliseconds: `lead` and then `forever`, until the client has had enough. */
export function drip(lead: string | Uint8Array, forever: string | Uint8Array) {
  return ({ socket, every }: Scene) => {
    const bytes = Buffer.from(lead);
    const more = Buffer.from(forever);
    let at = 0;
    const timer = setInterval(() => {
      const next = at < bytes.length ? bytes.subarray(at, at + 1) : more.subarray(0, 1);
      at++;
      socket.write(next);
    }, every);
    socket.resume().once('close', () => clearInterval(timer));
  };
}

/** `lead` and then `forever` without a pause, as fast as the client takes it. */
export function flood(lead: string, forever: string) {
  return ({ socket }: Scene) => {
    const pour = () => {
      while (!socket.destroyed && !socket.writableEnded && socket.write(forever));
    };
    // Not at once on drain: loopback takes it all, and the client in the same process would never run.
    socket.on('drain', () => setImmediate(pour)).resume();
    socket.write(lead);
    pour();
  };
}

/** The reply in packets of one byte, each in a turn of the event loop of its own, and then a tunnel that works. */
export function spell(bytes: string | Uint8Array) {
  return (scene: Scene) => {
    const left = [...Buffer.from(bytes)];
    const next = () => {
      const byte = left.shift();
      if (byte === undefined) carry()(scene);
      else scene.socket.write(Buffer.from([byte]), () => setImmediate(next));
    };
    next();
  };
}

/** A tunnel that works, after `lead`. */
export function carry(lead: string | Uint8Array = '') {
  return ({ socket, listener, destination }: Scene) => {
    const upstream = listener.own(connectTo(destination));
    if (lead.length > 0) socket.write(lead);
    connected(socket, upstream, { failed: () => socket.destroy(), ready: () => relay(socket, upstream) });
  };
}

/** A tunnel that ends after `cutAfter` bytes from the target, exactly. */
export function cut(how: 'close' | 'reset') {
  return (scene: Scene) => {
    const { socket, listener, destination, cutAfter } = scene;
    const upstream = listener.own(connectTo(destination));
    let left = cutAfter;
    socket.once('close', () => upstream.destroy());
    socket.pipe(upstream);
    upstream.on('data', (chunk: Buffer) => {
      const part = chunk.subarray(0, left);
      left -= part.length;
      if (left > 0) {
        socket.write(part);
        return;
      }
      upstream.destroy();
      if (how === 'close') socket.end(part);
      else sayAndReset(part)(scene);
    });
  };
}

/** Waits for the client's first bytes in the tunnel and answers in plain HTTP. */
export function answerPlainly({ socket }: Scene): void {
  socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'));
}

/** Poses as the target, with a certificate from an authority of its own. */
export function intercept({ socket }: Scene): void {
  const posing = new TLSSocket(socket, { isServer: true, ...certificates().foreign });
  posing.on('error', ignore);
  const impostor = http.createServer((_request, response) => response.end('intercepted\n'));
  impostor.emit('connection', posing);
}
