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

const CLOSED = (phase: Phase | readonly Phase[]) => failing('PROXY_CLOSED', phase, 'endpoint');
const PROTOCOL = (phase: Phase) => failing('PROXY_PROTOCOL', phase, 'endpoint');
const SILENT = (phase: Phase) => failing('PROXY_TIMEOUT', phase, phase === 'tunnel' ? 'unclear' : 'endpoint');
const REFUSED = (fault: Fault) => failing('PROXY_TUNNEL', 'tunnel', fault);
const LOCKED = (phase: Phase) => failing('PROXY_AUTH', phase, 'endpoint');
const UNTRUSTED = failing('PROXY_TLS', 'proxy-tls', 'endpoint');
const REACH = failing('PROXY_CONNECT', 'proxy-connect', 'endpoint');
const OK: Verdict = { status: 200 };

const LOST = ['ECONNRESET', 'UND_ERR_SOCKET'];
/** The same in a body, where each library counts for itself. */
const CUT_SHORT = [
  ...LOST,
  'ERR_BAD_RESPONSE',
  'ERR_HTTP_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
];
/** The dialer's deadline for TLS, which is the same in every client. */
const NO_ANSWER_IN_TLS = failing('ETIMEDOUT', 'target-tls', 'unclear');
/** OpenSSL's words for bytes that are not TLS. */
const NOT_TLS = ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'EPROTO'];

/** Many faults come to the same: each verdict once, with the faults it is for. */
function table(...rows: readonly (readonly [verdict: Verdict, faults: string])[]): ReadonlyMap<string, Verdict> {
  return new Map(rows.flatMap(([verdict, faults]) => faults.split(/\s+/).map((name) => [name, verdict] as const)));
}

const IN_TLS = failing(LOST, 'target-tls', 'unclear');
const NO_TLS = failing(NOT_TLS, 'target-tls', 'unclear');
const CUT = failing(CUT_SHORT, 'body', 'unclear');

/** In the tunnel the meddler and the target look alike, whoever the proxy is. */
const IN_TUNNEL = table(
  [IN_TLS, 'close-in-tunnel reset-in-tunnel'],
  [NO_ANSWER_IN_TLS, 'silent-in-tunnel'],
  [NO_TLS, 'garbage-in-tunnel plain-in-tunnel'],
  [failing('UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'target-tls', 'unclear'), 'intercept-tunnel'],
  [CUT, 'cut-tunnel-close cut-tunnel-reset'],
);

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

const OVER_HTTP = table(
  [REACH, 'refuse-tcp'],
  [CLOSED(['proxy-connect', 'tunnel']), 'reset-on-accept'],
  [CLOSED('tunnel'), 'close-on-accept close-after-request reset-after-request close-in-reply reset-in-reply'],
  [SILENT('tunnel'), 'silent-on-accept silent-after-request silent-in-reply drip-reply'],
  [SILENT('proxy-tls'), 'silent-in-tls'],
  [CLOSED('proxy-tls'), 'close-in-tls reset-in-tls'],
  [PROTOCOL('proxy-tls'), 'alert-in-tls plain-in-tls'],
  [UNTRUSTED, 'tls-expired tls-self-signed tls-wrong-name tls-foreign'],
  [OK, 'split-reply'],
  [
    PROTOCOL('tunnel'),
    'garbage-reply ssh-reply endless-header huge-header interim-100 interim-103 bytes-before-200 early-200',
  ],
  [NO_TLS, 'body-on-200'],
  [LOCKED('tunnel'), 'status-401 status-407'],
);

/** What an `https` proxy does before it speaks TLS, it does in that. */
const OVER_HTTPS = table(
  [CLOSED(['proxy-connect', 'proxy-tls']), 'reset-on-accept'],
  [CLOSED('proxy-tls'), 'close-on-accept'],
  [SILENT('proxy-tls'), 'silent-on-accept'],
  // In TLS it comes no sooner than an answer would: a proxy hears that the handshake is over when the client has asked.
  [failing(['PROXY_PROTOCOL', 'ETIMEDOUT'], ['tunnel', 'target-tls'], ['endpoint', 'unclear']), 'early-200'],
);

const OVER_SOCKS5 = table(
  [REACH, 'refuse-tcp'],
  [CLOSED(['proxy-connect', 'proxy-handshake']), 'reset-on-accept'],
  [
    CLOSED('proxy-handshake'),
    'close-on-accept close-after-greeting reset-after-greeting close-after-auth reset-after-auth',
  ],
  [SILENT('proxy-handshake'), 'silent-on-accept silent-after-greeting silent-after-auth'],
  [LOCKED('proxy-handshake'), 'no-acceptable-method unknown-method auth-refused'],
  [PROTOCOL('proxy-handshake'), 'wrong-version garbage-reply speaks-http auth-then-more early-reply'],
  // The engine looks at the verdict alone, and goes on to a request that nobody answers.
  [SILENT('tunnel'), 'auth-wrong-version'],
  [SILENT('tunnel'), 'silent-after-request silent-in-reply drip-reply'],
  [CLOSED('tunnel'), 'close-after-request reset-after-request close-in-reply reset-in-reply'],
  [PROTOCOL('tunnel'), 'reply-wrong-version endless-reply'],
  [OK, 'split-reply bound-to-ipv6 bound-to-name'],
  [REFUSED('unclear'), 'reply-1 reply-3 reply-4 reply-6 reply-9'],
  [REFUSED('endpoint'), 'reply-2 reply-7 reply-8'],
  [REFUSED('target'), 'reply-5'],
);

const OVER_SOCKS4 = table(
  [REACH, 'refuse-tcp'],
  [CLOSED(['proxy-connect', 'tunnel']), 'reset-on-accept'],
  [CLOSED('tunnel'), 'close-on-accept close-after-request reset-after-request close-in-reply'],
  [SILENT('tunnel'), 'silent-on-accept silent-after-request silent-in-reply'],
  [OK, 'split-reply'],
  [PROTOCOL('tunnel'), 'garbage-reply reply-99'],
  [REFUSED('unclear'), 'reply-91'],
  [LOCKED('tunnel'), 'reply-92 reply-93'],
);

/** Over TLS. */
const AT_TARGET = table(
  [IN_TLS, 'close-on-accept close-in-tls reset-in-tls'],
  // Quick enough, and the proxy hears of it before it has said its yes.
  [failing([...LOST, 'PROXY_TUNNEL'], ['target-tls', 'tunnel'], 'unclear'), 'reset-on-accept'],
  [NO_ANSWER_IN_TLS, 'silent-on-accept silent-in-tls'],
  [
    failing(
      ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', 'EPROTO', 'ERR_SSL_SSL/TLS_ALERT_INTERNAL_ERROR'],
      'target-tls',
      'unclear',
    ),
    'alert-in-tls',
  ],
  [NO_TLS, 'plain-in-tls'],
  [failing('CERT_HAS_EXPIRED', 'target-tls', 'unclear'), 'tls-expired'],
  [failing('DEPTH_ZERO_SELF_SIGNED_CERT', 'target-tls', 'unclear'), 'tls-self-signed'],
  [failing('ERR_TLS_CERT_ALTNAME_INVALID', 'target-tls', 'unclear'), 'tls-wrong-name'],
  [failing('UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'target-tls', 'unclear'), 'tls-foreign'],
);

const IN_REQUEST = failing(LOST, 'request', 'unclear');

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
  '/reset': IN_REQUEST,
  '/close': IN_REQUEST,
  '/reset-body': CUT,
  '/close-body': CUT,
};

export { IN_TLS as LOST_IN_TLS, LOCKED as AUTH_REFUSED, REACH as UNREACHABLE, REFUSED as TUNNEL_REFUSED };
/** By the caller: how far it had come is known all the same. */
export const ABORTED = (phase: Phase): Verdict => failing('ABORTED', phase, 'caller');

const TABLES = {
  http: [OVER_HTTP, IN_TUNNEL],
  https: [OVER_HTTPS, OVER_HTTP, IN_TUNNEL],
  socks5: [OVER_SOCKS5, IN_TUNNEL],
  socks4: [OVER_SOCKS4, IN_TUNNEL],
  target: [AT_TARGET],
};

/** What the fault table says of a fault of the lab; undefined where the table has to grow. */
export function expected(kind: keyof typeof TABLES, name: string): Verdict | undefined {
  const [, proxyStatus] = /^proxy-status-(\w+)$/.exec(name) ?? [];
  if (proxyStatus !== undefined) return REFUSED(PROXY_STATUS_FAULTS[proxyStatus] ?? 'unclear');
  for (const known of TABLES[kind]) if (known.has(name)) return known.get(name);
  const [, status] = /^status-(\d+)$/.exec(name) ?? [];
  const fault = STATUS_FAULTS[Number(status)];
  return fault === undefined ? undefined : REFUSED(fault);
}
