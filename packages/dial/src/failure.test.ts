import { expect, test } from 'vitest';
import { DialError } from './dial-error.js';
import { failureOf } from './failure.js';

const refused = new DialError({
  code: 'PROXY_TUNNEL',
  phase: 'tunnel',
  fault: 'endpoint',
  message: 'refused',
  status: 403,
});

test('a DialError is found however deep a library has wrapped it', () => {
  const wrapped = new Error('axios', { cause: new Error('got', { cause: refused }) });
  const expected = {
    kind: 'failure',
    code: 'PROXY_TUNNEL',
    phase: 'tunnel',
    fault: 'endpoint',
    sent: 'nothing',
    elapsedMs: 7,
  };
  expect(failureOf(wrapped, 7)).toEqual(expected);
  expect(failureOf(new AggregateError([refused]), 7)).toEqual(expected);
});

test('a DialError of another copy of this package counts too', () => {
  const foreign = Object.assign(new Error('refused'), {
    name: 'DialError',
    code: 'PROXY_AUTH',
    phase: 'tunnel',
    fault: 'endpoint',
    sent: 'nothing',
  });
  expect(failureOf(foreign, 0)).toMatchObject({ code: 'PROXY_AUTH', fault: 'endpoint' });
});

test.each([
  ['axios', { name: 'CanceledError', code: 'ERR_CANCELED' }],
  ['got', { name: 'AbortError', code: 'ERR_ABORTED' }],
  ['fetch', { name: 'AbortError', code: 20 }],
])("the caller's abort is the caller's doing: %s", (_library, fields) => {
  expect(failureOf(Object.assign(new Error('x'), fields), 0)).toMatchObject({ code: 'ABORTED', fault: 'caller' });
});

test.each([
  ['a certificate', { code: 'CERT_HAS_EXPIRED' }, 'target-tls', 'nothing'],
  ['plaintext on TLS', { code: 'ERR_SSL_WRONG_VERSION_NUMBER' }, 'target-tls', 'nothing'],
  [
    'a close in TLS',
    { code: 'ECONNRESET', message: 'Client network socket disconnected before secure TLS connection was established' },
    'target-tls',
    'nothing',
  ],
  ['a close before the answer', { code: 'ECONNRESET', message: 'socket hang up' }, 'request', 'maybe'],
  ['no HTTP', { code: 'HPE_INVALID_CONSTANT' }, 'response', 'maybe'],
  ["undici's wait for a head", { code: 'UND_ERR_HEADERS_TIMEOUT' }, 'response', 'maybe'],
  ["axios's torn body", { code: 'ECONNRESET', message: 'aborted' }, 'body', 'maybe'],
  [
    "axios's torn body, on the request",
    { code: 'ECONNRESET', request: { _currentRequest: { res: {} } } },
    'body',
    'maybe',
  ],
  ["got's torn body", { code: 'ECONNRESET', response: {} }, 'body', 'maybe'],
  ["fetch's torn body", { message: 'terminated', cause: { code: 'UND_ERR_SOCKET' } }, 'body', 'maybe'],
  ["a client's timeout", { code: 'ECONNABORTED' }, 'request', 'maybe'],
] as const)('after the tunnel nobody is to blame for sure: %s', (_what, fields, phase, sent) => {
  const { message = 'x', ...rest } = fields as { message?: string };
  expect(failureOf(Object.assign(new Error(message), rest), 0)).toMatchObject({ phase, sent, fault: 'unclear' });
});

test.each([
  ['a header value', { code: 'ERR_INVALID_CHAR' }, 'nothing'],
  ['a URL', { code: 'ERR_INVALID_URL' }, 'nothing'],
  ['a path', { code: 'ERR_UNESCAPED_CHARACTERS' }, 'nothing'],
  ["undici's arguments", { code: 'UND_ERR_INVALID_ARG' }, 'nothing'],
  ["a scheme for axios's redirects", { code: 'ERR_UNSUPPORTED_PROTOCOL' }, 'nothing'],
  ['a bound on redirects', { code: 'ERR_FR_TOO_MANY_REDIRECTS' }, 'maybe'],
  ["got's bound on redirects", { code: 'ERR_TOO_MANY_REDIRECTS', response: {} }, 'maybe'],
  [
    "axios's bound on the answer",
    { code: 'ERR_BAD_RESPONSE', message: 'maxContentLength size of 10 exceeded' },
    'maybe',
  ],
  ["undici's bound on the answer", { code: 'UND_ERR_RES_EXCEEDED_MAX_SIZE' }, 'maybe'],
] as const)("the caller's own terms are the caller's doing: %s", (_what, fields, sent) => {
  const { message = 'x', ...rest } = fields as { message?: string };
  const error = Object.assign(new Error(message), rest);
  expect(failureOf(new Error('wrapped', { cause: error }), 0)).toMatchObject({ sent, fault: 'caller' });
});

test('a redirect to what is no URL is not what the caller wrote', () => {
  const error = Object.assign(new Error('x'), { code: 'ERR_INVALID_URL', response: {} });
  expect(failureOf(error, 0)).toMatchObject({ sent: 'maybe', fault: 'unclear' });
});

test.each(['ERR_BAD_RESPONSE', 'ERR_HTTP_CONTENT_LENGTH_MISMATCH'])(
  '%s is of the body only where there was an answer',
  (code) => {
    const ofRequest = (request: object) => failureOf(Object.assign(new Error('x'), { code, request }), 0).phase;
    expect(ofRequest({ res: {} })).toBe('body');
    expect(ofRequest({ res: null })).toBe('request');
  },
);

test('what the adapter saw outweighs what the error says', () => {
  const error = Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' });
  expect(failureOf(error, 0).phase).toBe('request');
  expect(failureOf(error, 0, { response: true }).phase).toBe('body');
});

test.each([undefined, null, 'text', 5, {}])('anything can be thrown: %j', (thrown) => {
  expect(failureOf(thrown, 1)).toMatchObject({ kind: 'failure', code: 'UNKNOWN', fault: 'unclear', elapsedMs: 1 });
});

test('a chain that bites its tail ends', () => {
  const error = new Error('x');
  error.cause = error;
  expect(failureOf(error, 0).code).toBe('UNKNOWN');
});
