import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { failureOfSocks } from './socks-failure.js';

const { ERRORS } = createRequire(import.meta.url)('socks/build/common/constants.js') as {
  readonly ERRORS: Readonly<Record<string, string>>;
};

/** What each text of the engine's means. A text that is missing here appeared with a new version: decide, then add it. */
const MEANINGS: Readonly<Record<string, string>> = {
  SocketClosed: 'PROXY_CLOSED',
  ProxyConnectionTimedOut: 'PROXY_TIMEOUT',
  InvalidSocks5InitialHandshakeNoAcceptedAuthType: 'PROXY_AUTH',
  InvalidSocks5InitialHandshakeUnknownAuthType: 'PROXY_AUTH',
  Socks5AuthenticationFailed: 'PROXY_AUTH',
  InvalidSocks5FinalHandshakeRejected: 'PROXY_TUNNEL',
  Socks4ProxyRejectedConnection: 'PROXY_TUNNEL',
  InvalidSocks4HandshakeResponse: 'PROXY_PROTOCOL',
  InvalidSocks5InitialHandshakeResponse: 'PROXY_PROTOCOL',
  InvalidSocks5IntiailHandshakeSocksVersion: 'PROXY_PROTOCOL',
  InvalidSocks5FinalHandshake: 'PROXY_PROTOCOL',
  InternalError: 'PROXY_PROTOCOL',
  NegotiationError: 'PROXY_PROTOCOL',
};

/** Of commands we never send, and of options we never give. */
const NEVER = /^Invalid(?:Socks(?:Command|Client)|Socks\dIncoming)|^Socks\dProxyRejectedIncoming/;

test('every text of the installed engine is decided', () => {
  const undecided = Object.keys(ERRORS).filter((name) => !NEVER.test(name) && !(name in MEANINGS));
  expect(undecided).toEqual([]);
});

test.each(Object.entries(MEANINGS))('%s is %s', (name, code) => {
  const suffix = name === 'Socks4ProxyRejectedConnection' ? ' - (Failed)' : '';
  expect(failureOfSocks(`${ERRORS[name]}${suffix}`, [5, 1]).code).toBe(code);
});

test.each([
  [1, 'unclear'],
  [2, 'endpoint'],
  [3, 'unclear'],
  [4, 'unclear'],
  [5, 'target'],
  [6, 'unclear'],
  [7, 'endpoint'],
  [8, 'endpoint'],
  [9, 'unclear'],
] as const)('reply %d is the fault of: %s', (socksReply, fault) => {
  const refused = failureOfSocks(`${ERRORS['InvalidSocks5FinalHandshakeRejected']} - x`, [5, socksReply]);
  expect(refused).toMatchObject({ code: 'PROXY_TUNNEL', fault, socksReply, phase: 'tunnel' });
});

test('a refusal in another version of SOCKS is no refusal', () => {
  expect(failureOfSocks('Socks5 proxy rejected connection - Granted', [4, 0]).code).toBe('PROXY_PROTOCOL');
});

test("a socket's error is known by its code", () => {
  expect(failureOfSocks('read ECONNRESET', undefined)).toMatchObject({ code: 'PROXY_CLOSED', nodeCode: 'ECONNRESET' });
});
