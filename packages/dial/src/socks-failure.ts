import type { Fault } from '@fairlead/core';
import type { StepFailure } from './attempt.js';

/**
 * The engine's errors carry no code, so that only their texts tell them apart. The test beside this file compares the
 * table with the texts of the installed version; a text it does not know is a protocol error of the proxy's.
 */
const BY_TEXT: ReadonlyArray<readonly [text: string, failure: StepFailure]> = [
  ['Socket closed', closed('the proxy closed the connection during the SOCKS exchange')],
  [
    'Proxy connection timed out',
    { code: 'PROXY_TIMEOUT', fault: 'unclear', message: 'the proxy did not answer in time' },
  ],
  [
    'Received invalid Socks5 initial handshake (no accepted authentication type)',
    auth('the proxy accepts no method of authentication we offer'),
  ],
  [
    'Received invalid Socks5 initial handshake (unknown authentication type)',
    auth('the proxy asks for a method of authentication we did not offer'),
  ],
  ['Socks5 Authentication failed', auth('the proxy refused its credentials')],
];

/** What a SOCKS exchange failed of, from the engine's text and the reply it refused. */
export function failureOfSocks(
  text: string,
  reply: readonly [version: number, reply: number] | undefined,
): StepFailure {
  if (text.startsWith('Socks5 proxy rejected connection')) return ofReply5(reply);
  if (text.startsWith('Socks4 Proxy rejected connection')) return ofReply4(text);
  const known = BY_TEXT.find(([start]) => text === start);
  if (known !== undefined) return known[1];
  // A socket's own error reaches us as its text: `read ECONNRESET`.
  const code = /\b(ECONN[A-Z]+|EPIPE|ETIMEDOUT|EHOSTUNREACH)\b/.exec(text)?.[1];
  if (code !== undefined)
    return { ...closed('the connection to the proxy broke during the SOCKS exchange'), nodeCode: code };
  return protocol();
}

const REFUSED = 5;
const ENDPOINT_REPLIES = new Set([2, 7, 8]);

/** Replies 2, 7 and 8 are the proxy's rules and abilities, 5 is the target's refusal, the rest could be either's. */
function ofReply5(reply: readonly [version: number, reply: number] | undefined): StepFailure {
  if (reply === undefined || reply[0] !== 5 || reply[1] === 0) return { ...protocol(), phase: 'tunnel' };
  const socksReply = reply[1];
  return tunnel(
    socksReply,
    socksReply === REFUSED ? 'target' : ENDPOINT_REPLIES.has(socksReply) ? 'endpoint' : 'unclear',
  );
}

/** The engine names the four replies of SOCKS4 and calls every other byte undefined. */
function ofReply4(text: string): StepFailure {
  if (text.endsWith('(Failed)')) return tunnel(91, 'unclear');
  if (text.endsWith('(Rejected)')) return { ...auth('the proxy refused its user name'), socksReply: 92 };
  if (text.endsWith('(RejectedIdent)')) return { ...auth('the proxy refused its user name'), socksReply: 93 };
  return protocol();
}

function tunnel(socksReply: number, fault: Fault): StepFailure {
  return {
    code: 'PROXY_TUNNEL',
    fault,
    socksReply,
    phase: 'tunnel',
    message: `the proxy refused the tunnel with SOCKS reply ${socksReply}`,
  };
}

function auth(message: string): StepFailure {
  return { code: 'PROXY_AUTH', fault: 'endpoint', message };
}

function closed(message: string): StepFailure {
  return { code: 'PROXY_CLOSED', fault: 'endpoint', message };
}

function protocol(): StepFailure {
  return { code: 'PROXY_PROTOCOL', fault: 'endpoint', message: 'the proxy does not speak SOCKS as it should' };
}
