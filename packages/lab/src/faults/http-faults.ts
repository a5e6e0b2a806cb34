import { STATUS_CODES } from 'node:http';
import type { Fault } from './fault.js';
import { carry, close, drip, flood, reset, say, sayAndClose, sayAndReset, silence, spell } from './strikes.js';
import { tcpFaults, tlsFaults } from './tcp-faults.js';
import { tunnelFaults } from './tunnel-faults.js';

export const ESTABLISHED = 'HTTP/1.1 200 Connection established\r\n\r\n';

const STATUSES = [400, 401, 403, 404, 405, 407, 408, 429, 500, 501, 502, 503, 504] as const;

type StatusFault = `status-${(typeof STATUSES)[number]}`;

/** `status-503` and so on: answers CONNECT with that status. */
const statusFaults = Object.fromEntries(STATUSES.map((status) => [`status-${status}`, answering(status)])) as Record<
  StatusFault,
  Fault
>;

/** Error types of RFC 9209 and the status each comes with: who is to blame is in the header alone. */
const PROXY_STATUSES = {
  dns_error: 502,
  destination_unavailable: 503,
  destination_ip_unroutable: 502,
  connection_refused: 502,
  connection_terminated: 502,
  connection_timeout: 504,
  connection_limit_reached: 503,
  proxy_internal_error: 500,
  proxy_configuration_error: 500,
  http_request_denied: 403,
  http_request_error: 400,
} as const;

type ProxyStatusFault = `proxy-status-${keyof typeof PROXY_STATUSES}`;

/** `proxy-status-dns_error` and so on: the same with a Proxy-Status header. */
const proxyStatusFaults = Object.fromEntries(
  Object.entries(PROXY_STATUSES).map(([error, status]) => [
    `proxy-status-${error}`,
    answering(status, `Proxy-Status: lab; error=${error}; details="made up"\r\n`),
  ]),
) as Record<ProxyStatusFault, Fault>;

function answering(status: number, header = ''): Fault {
  const challenge = status === 407 ? 'Proxy-Authenticate: Basic realm="lab"\r\n' : '';
  const body = `the lab says ${status}\n`;
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${challenge}${header}Content-Length: ${body.length}\r\n\r\n`;
  return {
    about: `answers CONNECT with ${status}${header ? ` and ${header.trim()}` : ''}`,
    at: 'request',
    outcome: 'fails',
    strike: say(head + body),
  };
}

const PADDING = `X-Padding: ${'x'.repeat(1000)}\r\n`;

/** What goes wrong between the CONNECT and its answer. */
const replyFaults = {
  'silent-after-request': { about: 'never answers CONNECT', at: 'request', outcome: 'hangs', strike: silence },
  'close-after-request': { about: 'closes on CONNECT', at: 'request', outcome: 'fails', strike: close },
  'reset-after-request': { about: 'resets on CONNECT', at: 'request', outcome: 'fails', strike: reset },
  'close-in-reply': {
    about: 'closes in the middle of its answer',
    at: 'request',
    outcome: 'fails',
    strike: sayAndClose(ESTABLISHED.slice(0, 20)),
  },
  'reset-in-reply': {
    about: 'resets in the middle of its answer',
    at: 'request',
    outcome: 'fails',
    strike: sayAndReset(ESTABLISHED.slice(0, 20)),
  },
  'silent-in-reply': {
    about: 'stops in the middle of its answer',
    at: 'request',
    outcome: 'hangs',
    strike: say(ESTABLISHED.slice(0, 20)),
  },
  'drip-reply': {
    about: 'answers one byte every `every` ms, without an end',
    at: 'request',
    outcome: 'hangs',
    strike: drip('HTTP/1.1 200 OK\r\nX: ', 'x'),
  },
  'split-reply': {
    about: 'answers in packets of one byte',
    at: 'request',
    outcome: 'works',
    strike: spell(ESTABLISHED),
  },
  'garbage-reply': {
    about: 'answers with random bytes',
    at: 'request',
    outcome: 'fails',
    strike: sayAndClose(Uint8Array.from({ length: 256 }, (_, i) => (i * 131 + 7) & 255)),
  },
  'ssh-reply': {
    about: 'speaks another protocol',
    at: 'request',
    outcome: 'fails',
    strike: say('SSH-2.0-OpenSSH_9.2\r\n'),
  },
  'endless-header': {
    about: 'answers with headers that never end',
    at: 'request',
    outcome: 'fails',
    strike: flood('HTTP/1.1 200 OK\r\n', PADDING),
  },
  'huge-header': {
    about: 'answers 200 with a head of more than 16 KB',
    at: 'request',
    outcome: 'fails',
    strike: say(`HTTP/1.1 200 OK\r\n${PADDING.repeat(20)}\r\n`),
  },
  'interim-100': {
    about: 'says 100 before its 200',
    at: 'request',
    outcome: 'fails',
    strike: carry(`HTTP/1.1 100 Continue\r\n\r\n${ESTABLISHED}`),
  },
  'interim-103': {
    about: 'says 103 before its 200',
    at: 'request',
    outcome: 'fails',
    strike: carry(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ESTABLISHED}`),
  },
  'bytes-before-200': {
    about: 'sends bytes before its 200',
    at: 'request',
    outcome: 'fails',
    strike: carry(`hello\r\n${ESTABLISHED}`),
  },
  'early-200': {
    about: 'says 200 before it was asked',
    at: 'hello',
    outcome: 'fails',
    strike: say(ESTABLISHED),
  },
  'body-on-200': {
    about: 'puts a body on its 200, which the tunnel then begins with',
    at: 'request',
    outcome: 'fails',
    strike: carry('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'),
  },
} as const satisfies Record<string, Fault>;

/** Every fault of an HTTP proxy. */
export const httpFaults = {
  ...tcpFaults,
  ...tlsFaults,
  ...replyFaults,
  ...statusFaults,
  ...proxyStatusFaults,
  ...tunnelFaults,
} satisfies Record<string, Fault>;
