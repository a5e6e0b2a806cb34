import {
  authReply,
  methodReply,
  NO_ACCEPTABLE_METHOD,
  NO_AUTH,
  socks4Reply,
  socks5Reply,
} from '../proxies/socks-wire.js';
import type { Fault, Scene } from './fault.js';
import { carry, close, drip, flood, reset, say, sayAndClose, sayAndReset, silence, spell } from './strikes.js';
import { tcpFaults } from './tcp-faults.js';
import { tunnelFaults } from './tunnel-faults.js';

export const GRANTED_5 = socks5Reply(0);
export const GRANTED_4 = socks4Reply(90);

type Strike = (scene: Scene) => void;

const GARBAGE = Uint8Array.from({ length: 256 }, (_, i) => (i * 131 + 71) & 255);
const HTTP_ANSWER = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n';

function fails(at: Fault['at'], about: string, strike: Strike): Fault {
  return { about, at, outcome: 'fails', strike };
}

function hangs(at: Fault['at'], about: string, strike: Strike): Fault {
  return { about, at, outcome: 'hangs', strike };
}

function works(at: Fault['at'], about: string, strike: Strike): Fault {
  return { about, at, outcome: 'works', strike };
}

const greetingFaults = {
  'silent-after-greeting': hangs('greeting', 'never answers the greeting', silence),
  'close-after-greeting': fails('greeting', 'closes on the greeting', close),
  'reset-after-greeting': fails('greeting', 'resets on the greeting', reset),
  'no-acceptable-method': fails(
    'greeting',
    'accepts none of the methods',
    sayAndClose(methodReply(NO_ACCEPTABLE_METHOD)),
  ),
  'unknown-method': fails('greeting', 'chooses a method that was not offered', say(methodReply(0x42))),
  'wrong-version': fails('greeting', 'answers in version 4', say(Uint8Array.of(4, NO_AUTH))),
  'garbage-reply': fails('greeting', 'answers with random bytes', sayAndClose(GARBAGE)),
  'speaks-http': fails('greeting', 'answers in HTTP', sayAndClose(HTTP_ANSWER)),
  'early-reply': fails('hello', 'says yes before it was asked', say(Buffer.concat([methodReply(NO_AUTH), GRANTED_5]))),
};

const authFaults = {
  'auth-refused': fails('auth', 'refuses the user and password', sayAndClose(authReply(1))),
  'auth-wrong-version': fails('auth', 'answers the password in the wrong version', say(Uint8Array.of(5, 0))),
  'auth-then-more': fails(
    'auth',
    'says more than yes to the password, and closes',
    sayAndClose(Uint8Array.of(1, 0, 0, 0)),
  ),
  'silent-after-auth': hangs('auth', 'never answers the password', silence),
  'close-after-auth': fails('auth', 'closes on the password', close),
  'reset-after-auth': fails('auth', 'resets on the password', reset),
};

const requestFaults = {
  'silent-after-request': hangs('request', 'never answers the request', silence),
  'close-after-request': fails('request', 'closes on the request', close),
  'reset-after-request': fails('request', 'resets on the request', reset),
  'close-in-reply': fails('request', 'closes in the middle of its answer', sayAndClose(GRANTED_5.subarray(0, 3))),
  'reset-in-reply': fails('request', 'resets in the middle of its answer', sayAndReset(GRANTED_5.subarray(0, 3))),
  'silent-in-reply': hangs('request', 'stops in the middle of its answer', say(GRANTED_5.subarray(0, 3))),
  'reply-wrong-version': fails('request', 'answers the request in version 4', say(GRANTED_4)),
  'drip-reply': hangs('request', 'answers one byte every `every` ms', drip(Uint8Array.of(5, 0, 0, 3, 255), 'x')),
  'endless-reply': fails('request', 'answers without an end', flood('\u0005\0\0\u0005', 'x'.repeat(1000))),
  'split-reply': works('request', 'answers in packets of one byte', spell(GRANTED_5)),
  'bound-to-ipv6': works('request', 'says it is bound to an IPv6 address', carry(socks5Reply(0, '::'))),
  'bound-to-name': works('request', 'says it is bound to a name', carry(socks5Reply(0, 'name'))),
};

const CODES = {
  1: 'general failure',
  2: 'not allowed by its rules',
  3: 'network unreachable',
  4: 'host unreachable',
  5: 'connection refused',
  6: 'time to live expired',
  7: 'command not supported',
  8: 'address type not supported',
  9: 'a code nobody knows',
} as const;

/** `reply-1` to `reply-9`. */
const replyFaults = Object.fromEntries(
  Object.entries(CODES).map(([code, meaning]) => [
    `reply-${code}`,
    fails('request', `answers ${code}: ${meaning}`, sayAndClose(socks5Reply(Number(code)))),
  ]),
) as Record<`reply-${keyof typeof CODES}`, Fault>;

/** Every fault of a SOCKS 5 proxy. */
export const socks5Faults = {
  ...tcpFaults,
  ...greetingFaults,
  ...authFaults,
  ...requestFaults,
  ...replyFaults,
  ...tunnelFaults,
} satisfies Record<string, Fault>;

/** Every fault of a SOCKS 4 or 4A proxy. */
export const socks4Faults = {
  ...tcpFaults,
  'silent-after-request': requestFaults['silent-after-request'],
  'close-after-request': requestFaults['close-after-request'],
  'reset-after-request': requestFaults['reset-after-request'],
  'silent-in-reply': hangs('request', 'stops in the middle of its answer', say(GRANTED_4.subarray(0, 3))),
  'close-in-reply': fails('request', 'closes in the middle of its answer', sayAndClose(GRANTED_4.subarray(0, 3))),
  'split-reply': works('request', 'answers in packets of one byte', spell(GRANTED_4)),
  'garbage-reply': fails('request', 'answers with random bytes', sayAndClose(GARBAGE)),
  'reply-91': fails('request', 'answers 91: rejected', sayAndClose(socks4Reply(91))),
  'reply-92': fails('request', 'answers 92: no identd', sayAndClose(socks4Reply(92))),
  'reply-93': fails('request', 'answers 93: another user', sayAndClose(socks4Reply(93))),
  'reply-99': fails('request', 'answers 99: a code nobody knows', sayAndClose(socks4Reply(99))),
  ...tunnelFaults,
} satisfies Record<string, Fault>;
