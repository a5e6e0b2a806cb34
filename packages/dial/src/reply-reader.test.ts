import { expect, onTestFinished, test, vi } from 'vitest';
import { ReplyReader, type Reply } from './reply-reader.js';

function read(text: string, reader = new ReplyReader()): Reply | Error | undefined {
  const read = reader.read(Buffer.from(text, 'latin1'));
  if (read !== undefined) reader.close();
  return read;
}

test('a head is read, and what follows it is left', () => {
  expect(read('HTTP/1.1 200 OK\r\nVia: a\r\n\r\nfirst bytes')).toMatchObject({
    status: 200,
    headers: ['Via', 'a'],
    rest: Buffer.from('first bytes'),
  });
});

test('an announced body is none', () => {
  const answer = read('HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello');
  expect(answer).toMatchObject({ status: 200, rest: Buffer.from('hello') });
});

test('an interim answer is the answer: nothing is asked for that could need one', () => {
  expect(read('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n')).toMatchObject({ status: 100 });
});

test('a head may be split at every byte, with more fields than Node hands over at once', () => {
  const fields = Array.from({ length: 70 }, (_, index) => `X-${index}: ${index}\r\n`).join('');
  const head = `HTTP/1.1 503 Busy\r\n${fields}\r\n`;
  const reader = new ReplyReader();
  for (const byte of head.slice(0, -1)) expect(read(byte, reader)).toBeUndefined();
  const answer = read('\n', reader) as Reply;
  expect(answer.status).toBe(503);
  expect(answer.headers).toEqual(Array.from({ length: 70 }, (_, index) => [`X-${index}`, `${index}`]).flat());
});

test.each([
  ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n', 'HPE_INVALID_CONSTANT'],
  ['a field without a name', 'HTTP/1.1 200 OK\r\n: x\r\n\r\n', 'HPE_INVALID_HEADER_TOKEN'],
  ['line feeds alone', 'HTTP/1.1 200 OK\nVia: a\n\n', 'HPE_CR_EXPECTED'],
  [
    'two framings',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
    'HPE_INVALID_TRANSFER_ENCODING',
  ],
  ['a head without an end', `HTTP/1.1 200 OK\r\nVia: ${'a'.repeat(20_000)}`, 'HPE_HEADER_OVERFLOW'],
])('%s is refused', (_, text, code) => {
  expect(read(text)).toMatchObject({ code });
});

test('a parser that refused one answer reads the next', () => {
  read('SSH-2.0-OpenSSH_9.2\r\n');
  expect(read('HTTP/1.1 200 OK\r\n\r\n')).toMatchObject({ status: 200 });
  const half = new ReplyReader();
  expect(read('HTTP/1.1 200 OK\r\nVia: a', half)).toBeUndefined();
  half.close();
  expect(read('HTTP/1.1 204 None\r\nDate: b\r\n\r\n')).toMatchObject({ status: 204, headers: ['Date', 'b'] });
  expect(half.read(Buffer.from('\r\n\r\n'))).toBeUndefined();
});

test('parsers beyond those that are kept are closed: Node would hold them for ever', async () => {
  const { HTTPParser } = process.getBuiltinModule('_http_common') as unknown as {
    readonly HTTPParser: { readonly prototype: { close(): void } };
  };
  const closed = vi.spyOn(HTTPParser.prototype, 'close');
  onTestFinished(() => closed.mockRestore());
  const readers = Array.from({ length: 100 }, () => new ReplyReader());
  for (const reader of readers) reader.close();
  await new Promise(setImmediate);
  expect(closed.mock.calls.length).toBe(100 - 64);
});
