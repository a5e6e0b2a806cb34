// What a target answers is bytes from a stranger: whatever they are, its client hears something, and the gateway lives.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { startHttpProxy, type ProxyServer } from '@fairlead/lab';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startGateway, statusOf, talk, type Setting } from './set-up.js';

let proxy: ProxyServer;
beforeAll(async () => {
  proxy = await startHttpProxy();
});
afterAll(() => proxy.close());

/** A target that answers every request in its own way. */
async function serve(answer: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('data', () => answer(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const get = (host: string, version = '1.1', fields = ''): string =>
  `GET http://${host}/ HTTP/${version}\r\nHost: ${host}\r\nConnection: close\r\n${fields}\r\n`;

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const hint = (...links: string[]): string =>
  `HTTP/1.1 103 Early Hints\r\n${links.map((link) => `Link: ${link}\r\n`).join('')}\r\n`;

/** What a target says, and the status its client sees in the end. */
const ANSWERS: readonly (readonly [name: string, wire: string, status: number])[] = [
  ['a hint that is none', hint('garbage') + OK, 200],
  ['two hints in one head', hint('</a.css>; rel=preload; as=style', '</b.css>; rel=preload; as=style') + OK, 200],
  ['two hints in one field', hint('</a.css>; rel=preload, </b.css>; rel=preload') + OK, 200],
  ['a continue that nobody asked for', `HTTP/1.1 100 Continue\r\n\r\n${OK}`, 200],
  ['a status below 100', 'HTTP/1.1 099 x\r\nContent-Length: 2\r\n\r\nok', 502],
  ['no status', 'HTTP/1.1 000 x\r\nContent-Length: 2\r\n\r\nok', 502],
  ['a status of its own', 'HTTP/1.1 999 x\r\nContent-Length: 2\r\n\r\nok', 999],
  ['a control character in its reason', 'HTTP/1.1 200 O\u0001K\r\nContent-Length: 2\r\n\r\nok', 200],
  ['a DEL in its reason', 'HTTP/1.1 200 O\u007fK\r\nContent-Length: 2\r\n\r\nok', 200],
  ['a control character in a field', 'HTTP/1.1 200 OK\r\nX-A: a\u0001b\r\nContent-Length: 2\r\n\r\nok', 502],
  [
    'another protocol, unasked',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhello',
    502,
  ],
  ['another protocol, not named', 'HTTP/1.1 101 Switching Protocols\r\n\r\nhello', 502],
  ['two answers', OK + OK.replace('ok', 'no'), 200],
  ['a body where none can be', 'HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', 204],
  ['a body to reset by', 'HTTP/1.1 205 R\r\nContent-Length: 2\r\n\r\nok', 205],
  ['a coding inside another', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', 200],
  ['a head without an end', `HTTP/1.1 200 OK\r\n${`X: ${'y'.repeat(100)}\r\n`.repeat(1000)}`, 502],
  ['a hundred heads and more', hint('</a>').repeat(200) + OK, 502],
];

for (const direct of [[], ['127.0.0.1']]) {
  const way = direct.length > 0 ? 'directly' : 'through a proxy';
  test.each(ANSWERS)(`a target that says %s, ${way}`, async (_, wire, status) => {
    const { handle, gateway, pool, log } = await startGateway([proxy.url], terms({ direct }));
    const host = await serve((socket) => void socket.write(wire, 'latin1'));
    const heard = await talk(handle.port, get(host));
    // Hints and interim answers stand before the answer itself.
    expect(statusOf(heard.replace(/^(?:HTTP\/1\.1 1\d\d [^]*?\r\n\r\n)+/, ''))).toBe(status);
    await expect.poll(() => log.length).toBe(1);
    expect([pool.stats().inFlight, gateway.stats().open]).toEqual([0, 0]);
  });
}

/** One try: what is asked for is what becomes of it. */
function terms(setting: Setting): Setting {
  return { ...setting, poolOptions: { policy: { abandon: false, retry: { maxAttempts: 1 } } } };
}

test('hints come to who can read them, each of them, and no interim answer to a client of HTTP/1.0', async () => {
  const { handle } = await startGateway([proxy.url]);
  const host = await serve((socket) => void socket.write(hint('</a>; rel=preload', '</b>; rel=preload') + OK));
  expect(await talk(handle.port, get(host))).toMatch(
    /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a>; rel=preload, <\/b>; rel=preload\r\n\r\nHTTP\/1\.1 200 /,
  );
  expect(await talk(handle.port, get(host, '1.0'))).toMatch(/^HTTP\/1\.1 200 /);
  const eager = await serve((socket) => void socket.write(`HTTP/1.1 100 Continue\r\n\r\n${OK}`));
  expect(await talk(handle.port, get(eager))).toMatch(/^HTTP\/1\.1 200 /);
});

for (const direct of [[], ['127.0.0.1']]) {
  const way = direct.length > 0 ? 'directly' : 'through a proxy';
  test(`hints without an end are heard for a while only, ${way}, by a client that reads nothing`, async () => {
    const started = await startGateway([proxy.url], terms({ direct }));
    let sent = 0;
    const host = await serve((socket) =>
      pour(socket, hint(`</a>; rel=preload; x=${'y'.repeat(2000)}`), (n) => (sent += n)),
    );
    const client = connect(started.handle.port, '127.0.0.1').on('error', () => undefined);
    onTestFinished(() => void client.destroy());
    client.pause().write(get(host));
    await expect.poll(() => started.log[0]).toMatchObject({ status: 502, code: 'TARGET_PROTOCOL' });
    // What lay in buffers on the way, and no more.
    expect(sent).toBeLessThan(16 * 2 ** 20);
  });
}

function pour(socket: Socket, text: string, count: (bytes: number) => void): void {
  const chunk = Buffer.from(text.repeat(30));
  const go = (): void => {
    while (socket.writable) {
      count(chunk.length);
      if (!socket.write(chunk)) break;
    }
  };
  socket.on('drain', go);
  go();
}
