import type { Fault } from './fault.js';
import { close, reset, silence } from './strikes.js';

/** What any server can do before a word is said, and what it can do to TLS. Targets have no others. */
export const tcpFaults = {
  'refuse-tcp': { about: 'has a closed port', at: 'refused', outcome: 'fails' },
  'close-on-accept': { about: 'closes what it accepts', at: 'accept', outcome: 'fails', strike: close },
  'reset-on-accept': { about: 'resets what it accepts', at: 'accept', outcome: 'fails', strike: reset },
  'silent-on-accept': { about: 'accepts and says nothing', at: 'accept', outcome: 'hangs', strike: silence },
} as const satisfies Record<string, Fault>;

const ALERT_INTERNAL_ERROR = Uint8Array.of(21, 3, 3, 0, 2, 2, 80);

export const tlsFaults = {
  'silent-in-tls': { about: 'never answers the ClientHello', at: 'tls', outcome: 'hangs', strike: silence },
  'close-in-tls': {
    about: 'closes on the ClientHello',
    at: 'tls',
    outcome: 'fails',
    strike: ({ socket }) => void socket.once('data', () => socket.end()),
  },
  'reset-in-tls': {
    about: 'resets on the ClientHello',
    at: 'tls',
    outcome: 'fails',
    strike: ({ raw }) => void raw.once('data', () => raw.resetAndDestroy()),
  },
  'alert-in-tls': {
    about: 'answers the ClientHello with a fatal alert',
    at: 'tls',
    outcome: 'fails',
    strike: ({ socket }) => void socket.once('data', () => socket.end(ALERT_INTERNAL_ERROR)),
  },
  'plain-in-tls': {
    about: 'answers the ClientHello in plain HTTP',
    at: 'tls',
    outcome: 'fails',
    strike: ({ socket }) => void socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
  },
  'tls-expired': { about: 'has an expired certificate', at: 'tls', outcome: 'fails', certificate: 'expired' },
  'tls-self-signed': { about: 'signed its own certificate', at: 'tls', outcome: 'fails', certificate: 'selfSigned' },
  'tls-wrong-name': {
    about: 'has a certificate for another name',
    at: 'tls',
    outcome: 'fails',
    certificate: 'wrongName',
  },
  'tls-foreign': { about: 'has a certificate from an unknown CA', at: 'tls', outcome: 'fails', certificate: 'foreign' },
} as const satisfies Record<string, Fault>;
