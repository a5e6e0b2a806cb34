import { once } from 'node:events';
import { connect } from 'node:net';
import { startHttpProxy, type ProxyServer } from '@fairlead/lab';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generate, type Generated } from './generated.js';
import { startRecorder, type Recorder } from './recorder.js';
import { startGateway, statusOf, talk } from './set-up.js';

let proxy: ProxyServer;
let backend: Recorder;
beforeAll(async () => {
  proxy = await startHttpProxy();
  backend = await startRecorder();
});
afterAll(() => Promise.all([proxy.close(), backend.close()]));

const authority = (): string => `127.0.0.1:${backend.port}`;
const head = (fields: string, line = `POST http://${authority()}/x HTTP/1.1`): string =>
  `${line}\r\nHost: ${authority()}\r\n${fields}\r\n`;

const many = (fields: number): string => 'a: b\r\n'.repeat(fields);

/** A case: what is sent, what the client is answered, and how many requests the backend may see. */
const CASES: readonly (readonly [name: string, wire: () => string, status: number, passedOn: number])[] = [
  ['a length and a coding', () => head('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n') + '0\r\n\r\n', 400, 0],
  ['two lengths', () => head('Content-Length: 5\r\nContent-Length: 6\r\n') + 'hello', 400, 0],
  ['a length with a sign', () => head('Content-Length: +5\r\n') + 'hello', 400, 0],
  ['a coding other than chunked', () => head('Transfer-Encoding: gzip, chunked\r\n') + '0\r\n\r\n', 501, 0],
  ['a coding with a space before its colon', () => head('Transfer-Encoding : chunked\r\n') + '0\r\n\r\n', 400, 0],
  [
    'a coding in HTTP/1.0',
    () => head('Transfer-Encoding: chunked\r\n', `POST http://${authority()}/x HTTP/1.0`) + '0\r\n\r\n',
    400,
    0,
  ],
  ['two hosts', () => head(`Host: ${authority()}\r\n`, `GET http://${authority()}/x HTTP/1.1`), 400, 0],
  ['a host that is another', () => `GET http://${authority()}/x HTTP/1.1\r\nHost: other.example\r\n\r\n`, 400, 0],
  ['no host', () => `GET http://${authority()}/x HTTP/1.1\r\n\r\n`, 400, 0],
  ['credentials in the URL', () => head('', `GET http://a:b@${authority()}/x HTTP/1.1`), 400, 0],
  ['a path alone', () => head('', 'GET /x HTTP/1.1'), 400, 0],
  ['https in absolute form', () => head('', `GET https://${authority()}/x HTTP/1.1`), 400, 0],
  ['a bare line feed as line end', () => `GET http://${authority()}/x HTTP/1.1\nHost: ${authority()}\n\n`, 400, 0],
  ['a NUL in a value', () => head('X: a\u0000b\r\n'), 400, 0],
  ['a bare CR in a value', () => head('X: a\rb\r\n'), 400, 0],
  ['a chunk size that is none', () => head('Transfer-Encoding: chunked\r\n') + 'zz\r\nhello\r\n0\r\n\r\n', 400, 0],
  [
    'CONNECT with a body',
    () => `CONNECT ${authority()} HTTP/1.1\r\nHost: ${authority()}\r\nContent-Length: 5\r\n\r\nhello`,
    400,
    0,
  ],
  [
    'CONNECT to another host than it names',
    () => `CONNECT ${authority()} HTTP/1.1\r\nHost: other.example:443\r\n\r\n`,
    400,
    0,
  ],
  [
    'a chunked body and its trailers in one packet',
    () => head('Connection: close\r\nTransfer-Encoding: chunked\r\n') + '5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n',
    200,
    1,
  ],
  ['the end of a chunked body as data', () => head('Connection: close\r\nContent-Length: 5\r\n') + '0\r\n\r\n', 200, 1],
  // Readers that stop counting somewhere do not see what stands behind: neither where a body is, nor that there is one.
  [
    'a length behind two hundred fields',
    () => head(`${many(201)}Content-Length: 400\r\n`, `GET http://${authority()}/x HTTP/1.1`),
    431,
    0,
  ],
  [
    'a coding behind two hundred fields',
    () => head(`${many(201)}Transfer-Encoding: chunked\r\n`) + '5\r\nhello\r\n0\r\n\r\n',
    431,
    0,
  ],
  [
    'a target behind two hundred fields',
    () => head(`${many(201)}X-Fairlead-Target: http://${authority()}\r\n`, 'GET /x HTTP/1.1'),
    431,
    0,
  ],
  [
    'CONNECT with two hundred fields',
    () => `CONNECT ${authority()} HTTP/1.1\r\nHost: ${authority()}\r\n${many(201)}\r\n`,
    431,
    0,
  ],
  [
    'a length as the last field of two hundred',
    () => head(`${many(197)}Connection: close\r\nContent-Length: 5\r\n`) + 'hello',
    200,
    1,
  ],
  [
    'two requests in one packet',
    () => head('Content-Length: 1\r\n') + 'a' + head('Connection: close\r\nContent-Length: 1\r\n') + 'b',
    200,
    2,
  ],
];

for (const [name, wire, status, passedOn] of CASES) {
  test(`framing: ${name} is answered ${status}, and the backend sees ${passedOn}`, async () => {
    const { handle } = await startGateway([proxy.url]);
    const before = backend.requests.length;
    const answer = await talk(handle.port, wire());
    expect(statusOf(answer)).toBe(status);
    expect(backend.requests.length - before).toBe(passedOn);
    expect(backend.strays).toEqual([]);
  });
}

test('what is of this hop stays here, and what names itself in Connection does too', async () => {
  const { handle } = await startGateway([proxy.url]);
  await talk(
    handle.port,
    head(
      'Connection: close, X-Named\r\nX-Named: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nProxy-Connection: close\r\n' +
        'X-Fairlead-Attempts: 1\r\nUpgrade: h2c\r\nX-Kept: 1\r\nCookie: a\r\nCookie: b\r\nContent-Length: 0\r\n',
    ),
  );
  const { headers } = backend.requests.at(-1)!;
  expect(headers).toEqual([
    ['host', authority()],
    ['x-kept', '1'],
    ['cookie', 'a'],
    ['cookie', 'b'],
    ['content-length', '0'],
    ['connection', expect.any(String)],
  ]);
});

/** Sends requests one after another over one connection for as long as it lasts; true per request that was answered 200. */
async function play(port: number, requests: readonly Generated[]): Promise<boolean[]> {
  const answered: boolean[] = [];
  let at = 0;
  while (at < requests.length) at = await playOver(port, requests, at, answered);
  return answered;
}

async function playOver(
  port: number,
  requests: readonly Generated[],
  from: number,
  answered: boolean[],
): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  let at = from;
  let heard = '';
  const send = (): void => {
    const { wire } = requests[at]!;
    // Cut where chance has it: a reader must not depend on packets.
    const cut = (wire.length * ((at * 7919) % 97)) / 97;
    socket.write(wire.subarray(0, cut));
    setImmediate(() => socket.destroyed || socket.write(wire.subarray(cut)));
  };
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    heard += chunk;
    const end = heard.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(heard)?.[1] ?? 0);
    const isHead = requests[at]!.wire.toString('latin1', 0, 5) === 'HEAD ';
    if (heard.length < end + 4 + (isHead ? 0 : length)) return;
    const ok = heard.startsWith('HTTP/1.1 200');
    const stays = ok && !/\r\nconnection: close/i.test(heard);
    heard = '';
    answered.push(ok);
    at += 1;
    if (stays && at < requests.length) send();
    else socket.destroy();
  });
  send();
  const mark = from;
  await once(socket, 'close');
  if (at === mark) {
    // Closed without a word: that is an answer too.
    answered.push(false);
    at += 1;
  }
  return at;
}

test('of 10,000 generated requests gateway and backend agree on number and bytes', { timeout: 120_000 }, async () => {
  const recorder = await startRecorder();
  const { handle } = await startGateway([proxy.url]);
  const players = Array.from({ length: 16 }, async (_, player) => {
    const requests = generate(player + 1, `127.0.0.1:${recorder.port}`);
    const all = Array.from({ length: 625 }, () => requests.next().value as Generated);
    return { all, answered: await play(handle.port, all) };
  });
  const played = await Promise.all(players);
  const byTag = new Map(recorder.requests.map((request) => [tagOf(request.headers), request]));
  for (const { all, answered } of played) {
    const disagreed = all.filter(({ expected }, index) => answered[index] !== (expected !== undefined));
    expect(disagreed.map(({ wire }) => wire.toString('latin1', 0, 400))).toEqual([]);
    for (const { expected } of all) {
      if (expected === undefined) continue;
      const { method, path, body } = byTag.get(expected.tag)!;
      expect({ method, path, body: body.toString('latin1') }).toEqual({
        method: expected.method,
        path: expected.path,
        body: expected.body,
      });
    }
  }
  const sound = played.flatMap(({ all }) => all).filter(({ expected }) => expected !== undefined);
  expect(recorder.requests).toHaveLength(sound.length);
  expect(sound.length).toBeGreaterThan(7000);
  expect(sound.length).toBeLessThan(8000);
  expect(recorder.strays).toEqual([]);
  expect(recorder.requests.some(({ path }) => path.includes('smuggled'))).toBe(false);
  await recorder.close();
});

function tagOf(headers: readonly (readonly [string, string])[]): string {
  return headers.find(([name]) => name === 'x-tag')?.[1] ?? '';
}
