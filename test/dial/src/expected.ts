import type { Fault, Phase } from '@fairlead/core';

/** What `failureOf` must say of a failure. Several codes where each library has its own. */
export interface Expected {
  readonly code: string | readonly string[];
  readonly phase: Phase | readonly Phase[];
  readonly fault: Fault | readonly Fault[];
}

export type Verdict = Expected | { readonly status: number };

function failing(code: Expected['code'], phase: Expected['phase'], fault: Expected['fault']): Expected {
  return { code, phase, fault };
}

const CLOSED = (phase: Phase) => failing('PROXY_CLOSED', phase, 'endpoint');
const PROTOCOL = (phase: Phase) => failing('PROXY_PROTOCOL', phase, 'endpoint');
const REFUSED = (fault: Fault) => failing('PROXY_TUNNEL', 'tunnel', fault);
const REACH = failing('PROXY_CONNECT', 'proxy-connect', 'endpoint');

const LOST = ['ECONNRESET', 'UND_ERR_SOCKET'];
/** The same in a body, where each library counts for itself. */
const CUT_SHORT = [
  ...LOST,
  'ERR_BAD_RESPONSE',
  'ERR_HTTP_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
];
/** axios, got, undici's connector (which waits for TLS under the dialer's deadline). */
const CLIENT_TIMEOUT = failing(['ECONNABORTED', 'ETIMEDOUT'], ['request', 'target-tls'], 'unclear');
/** OpenSSL's words for bytes that are not TLS. */
const NOT_TLS = ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'EPROTO'];

/** In the tunnel the meddler and the target look alike, whoever the proxy is. */
const IN_TUNNEL: Record<string, Verdict> = {
  'close-in-tunnel': failing(LOST, 'target-tls', 'unclear'),
  'reset-in-tunnel': failing(LOST, 'target-tls', 'unclear'),
  'silent-in-tunnel': CLIENT_TIMEOUT,
  'garbage-in-tunnel': failing(NOT_TLS, 'target-tls', 'unclear'),
  'plain-in-tunnel': failing(NOT_TLS, 'target-tls', 'unclear'),
  'intercept-tunnel': failing('UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'target-tls', 'unclear'),
  'cut-tunnel-close': failing(CUT_SHORT, 'body', 'unclear'),
  'cut-tunnel-reset': failing(CUT_SHORT, 'body', 'unclear'),
};

const STATUS_FAULTS: Record<number, Fault> = {
  400: 'endpoint',
  403: 'endpoint',
  404: 'unclear',
  405: 'endpoint',
  408: 'unclear',
  429: 'endpoint',
  500: 'unclear',
  501: 'endpoint',
  502: 'unclear',
  503: 'unclear',
  504: 'unclear',
};

const PROXY_STATUS_FAULTS: Record<string, Fault> = {
  dns_error: 'target',
  destination_unavailable: 'target',
  destination_ip_unroutable: 'unclear',
  connection_refused: 'target',
  connection_terminated: 'target',
  connection_timeout: 'unclear',
  connection_limit_reached: 'endpoint',
  proxy_internal_error: 'endpoint',
  proxy_configuration_error: 'endpoint',
  http_request_denied: 'endpoint',
  http_request_error: 'endpoint',
};

const OVER_HTTP: Record<string, Verdict> = {
  'refuse-tcp': REACH,
  'close-on-accept': CLOSED('tunnel'),
  'reset-on-accept': failing('PROXY_CLOSED', ['proxy-connect', 'tunnel'], 'endpoint'),
  'silent-on-accept': failing('PROXY_TIMEOUT', 'tunnel', 'unclear'),
  'silent-in-tls': failing('PROXY_TIMEOUT', 'proxy-tls', 'endpoint'),
  'close-in-tls': CLOSED('proxy-tls'),
  'reset-in-tls': CLOSED('proxy-tls'),
  'alert-in-tls': PROTOCOL('proxy-tls'),
  'plain-in-tls': PROTOCOL('proxy-tls'),
  'tls-expired': failing('PROXY_TLS', 'proxy-tls', 'endpoint'),
  'tls-self-signed': failing('PROXY_TLS', 'proxy-tls', 'endpoint'),
  'tls-wrong-name': failing('PROXY_TLS', 'proxy-tls', 'endpoint'),
  'tls-foreign': failing('PROXY_TLS', 'proxy-tls', 'endpoint'),
  'silent-after-request': failing('PROXY_TIMEOUT', 'tunnel', 'unclear'),
  'close-after-request': CLOSED('tunnel'),
  'reset-after-request': CLOSED('tunnel'),
  'close-in-reply': CLOSED('tunnel'),
  'reset-in-reply': CLOSED('tunnel'),
  'silent-in-reply': failing('PROXY_TIMEOUT', 'tunnel', 'unclear'),
  'drip-reply': failing('PROXY_TIMEOUT', 'tunnel', 'unclear'),
  'split-reply': { status: 200 },
  'garbage-reply': PROTOCOL('tunnel'),
  'ssh-reply': PROTOCOL('tunnel'),
  'endless-header': PROTOCOL('tunnel'),
  'huge-header': PROTOCOL('tunnel'),
  'interim-100': PROTOCOL('tunnel'),
  'interim-103': PROTOCOL('tunnel'),
  'bytes-before-200': PROTOCOL('tunnel'),
  // On a slow machine it comes no sooner than an answer would, and is one to all appearance.
  'early-200': failing(
    ['PROXY_PROTOCOL', 'ECONNABORTED', 'ETIMEDOUT'],
    ['tunnel', 'request', 'target-tls'],
    ['endpoint', 'unclear'],
  ),
  'body-on-200': failing(NOT_TLS, 'target-tls', 'unclear'),
  'status-401': failing('PROXY_AUTH', 'tunnel', 'endpoint'),
  'status-407': failing('PROXY_AUTH', 'tunnel', 'endpoint'),
  ...IN_TUNNEL,
};

const OVER_SOCKS5: Record<string, Verdict> = {
  'refuse-tcp': REACH,
  'close-on-accept': CLOSED('proxy-handshake'),
  'reset-on-accept': failing('PROXY_CLOSED', ['proxy-connect', 'proxy-handshake'], 'endpoint'),
  'silent-on-accept': failing('PROXY_TIMEOUT', 'proxy-handshake', 'endpoint'),
  'silent-after-greeting': failing('PROXY_TIMEOUT', 'proxy-handshake', 'endpoint'),
  'close-after-greeting': CLOSED('proxy-handshake'),
  'reset-after-greeting': CLOSED('proxy-handshake'),
  'no-acceptable-method': failing('PROXY_AUTH', 'proxy-handshake', 'endpoint'),
  'unknown-method': failing('PROXY_AUTH', 'proxy-handshake', 'endpoint'),
  'wrong-version': PROTOCOL('proxy-handshake'),
  'garbage-reply': PROTOCOL('proxy-handshake'),
  'speaks-http': PROTOCOL('proxy-handshake'),
  'early-reply': failing(
    ['PROXY_PROTOCOL', 'ECONNABORTED', 'ETIMEDOUT'],
    ['proxy-handshake', 'request', 'target-tls'],
    ['endpoint', 'unclear'],
  ),
  'auth-refused': failing('PROXY_AUTH', 'proxy-handshake', 'endpoint'),
  // The engine looks at the verdict alone, and goes on to a request that nobody answers.
  'auth-wrong-version': failing('PROXY_TIMEOUT', 'tunnel', 'unclear'),
  'silent-after-auth': failing('PROXY_TIMEOUT', 'proxy-handshake', 'endpoint'),
  'close-after-auth': CLOSED('proxy-handshake'),
  'reset-after-auth': CLOSED('proxy-handshake'),
  'silent-after-request': failing('PROXY_TIMEOUT', 'tunnel', 'unclear'),
  'close-after-request': CLOSED('tunnel'),
  'reset-after-request': CLOSED('tunnel'),
  'close-in-reply': CLOSED('tunnel'),
  'reset-in-reply': CLOSED('tunnel'),
  'silent-in-reply': failing('PROXY_TIMEOUT', 'tunnel', 'unclear'),
  'reply-wrong-version': PROTOCOL('tunnel'),
  'drip-reply': failing('PROXY_TIMEOUT', 'tunnel', 'unclear'),
  'endless-reply': PROTOCOL('tunnel'),
  'split-reply': { status: 200 },
  'bound-to-ipv6': { status: 200 },
  'bound-to-name': { status: 200 },
  'reply-1': REFUSED('unclear'),
  'reply-2': REFUSED('endpoint'),
  'reply-3': REFUSED('unclear'),
  'reply-4': REFUSED('unclear'),
  'reply-5': REFUSED('target'),
  'reply-6': REFUSED('unclear'),
  'reply-7': REFUSED('endpoint'),
  'reply-8': REFUSED('endpoint'),
  'reply-9': REFUSED('unclear'),
  ...IN_TUNNEL,
};

const OVER_SOCKS4: Record<string, Verdict> = {
  'refuse-tcp': REACH,
  'close-on-accept': CLOSED('tunnel'),
  'reset-on-accept': failing('PROXY_CLOSED', ['proxy-connect', 'tunnel'], 'endpoint'),
  'silent-on-accept': failing('PROXY_TIMEOUT', 'tunnel', 'unclear'),
  'silent-after-request': failing('PROXY_TIMEOUT', 'tunnel', 'unclear'),
  'close-after-request': CLOSED('tunnel'),
  'reset-after-request': CLOSED('tunnel'),
  'silent-in-reply': failing('PROXY_TIMEOUT', 'tunnel', 'unclear'),
  'close-in-reply': CLOSED('tunnel'),
  'split-reply': { status: 200 },
  'garbage-reply': PROTOCOL('tunnel'),
  'reply-91': REFUSED('unclear'),
  'reply-92': failing('PROXY_AUTH', 'tunnel', 'endpoint'),
  'reply-93': failing('PROXY_AUTH', 'tunnel', 'endpoint'),
  'reply-99': PROTOCOL('tunnel'),
  ...IN_TUNNEL,
};

/** Over TLS. */
const AT_TARGET: Record<string, Verdict> = {
  'close-on-accept': failing(LOST, 'target-tls', 'unclear'),
  // Quick enough, and the proxy hears of it before it has said its yes.
  'reset-on-accept': failing([...LOST, 'PROXY_TUNNEL'], ['target-tls', 'tunnel'], 'unclear'),
  'silent-on-accept': CLIENT_TIMEOUT,
  'silent-in-tls': CLIENT_TIMEOUT,
  'close-in-tls': failing(LOST, 'target-tls', 'unclear'),
  'reset-in-tls': failing(LOST, 'target-tls', 'unclear'),
  'alert-in-tls': failing(
    ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', 'EPROTO', 'ERR_SSL_SSL/TLS_ALERT_INTERNAL_ERROR'],
    'target-tls',
    'unclear',
  ),
  'plain-in-tls': failing(NOT_TLS, 'target-tls', 'unclear'),
  'tls-expired': failing('CERT_HAS_EXPIRED', 'target-tls', 'unclear'),
  'tls-self-signed': failing('DEPTH_ZERO_SELF_SIGNED_CERT', 'target-tls', 'unclear'),
  'tls-wrong-name': failing('ERR_TLS_CERT_ALTNAME_INVALID', 'target-tls', 'unclear'),
  'tls-foreign': failing('UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'target-tls', 'unclear'),
};

/** What targets do once they have been asked, over TLS or not: the paths of the lab's targets. */
export const ROUTES: Record<string, Verdict> = {
  '/status/200': { status: 200 },
  '/status/204': { status: 204 },
  '/status/403': { status: 403 },
  '/status/407': { status: 407 },
  '/status/429': { status: 429 },
  '/status/502': { status: 502 },
  '/status/503': { status: 503 },
  '/bytes/200000': { status: 200 },
  '/hang': failing(['ECONNABORTED', 'ETIMEDOUT', 'UND_ERR_HEADERS_TIMEOUT'], ['request', 'response'], 'unclear'),
  '/reset': failing(LOST, 'request', 'unclear'),
  '/close': failing(LOST, 'request', 'unclear'),
  '/reset-body': failing(CUT_SHORT, 'body', 'unclear'),
  '/close-body': failing(CUT_SHORT, 'body', 'unclear'),
};

export const AUTH_REFUSED = (phase: Phase): Verdict => failing('PROXY_AUTH', phase, 'endpoint');
export const TUNNEL_REFUSED = (fault: Fault): Verdict => REFUSED(fault);
export const LOST_IN_TLS: Verdict = failing(LOST, 'target-tls', 'unclear');
export const UNREACHABLE: Verdict = REACH;
export const ABORTED: Verdict = failing('ABORTED', ['proxy-connect', 'proxy-handshake', 'tunnel', 'request'], 'caller');

const TABLES = { http: OVER_HTTP, socks5: OVER_SOCKS5, socks4: OVER_SOCKS4, target: AT_TARGET };

/** What the fault table says of a fault of the lab; undefined where the table has to grow. */
export function expected(kind: keyof typeof TABLES, name: string): Verdict | undefined {
  const [, proxyStatus] = /^proxy-status-(\w+)$/.exec(name) ?? [];
  if (proxyStatus !== undefined) return REFUSED(PROXY_STATUS_FAULTS[proxyStatus] ?? 'unclear');
  const known = TABLES[kind][name];
  if (known !== undefined) return known;
  const [, status] = /^status-(\d+)$/.exec(name) ?? [];
  const fault = STATUS_FAULTS[Number(status)];
  return fault === undefined ? undefined : REFUSED(fault);
}
