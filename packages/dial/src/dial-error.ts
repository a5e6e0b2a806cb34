import type { Fault, Phase } from '@fairlead/core';

/** Every way a dial can fail. Codes are API: added in a minor release, never renamed. */
export type DialErrorCode =
  | 'PROXY_CONNECT'
  | 'PROXY_TLS'
  | 'PROXY_AUTH'
  | 'PROXY_TUNNEL'
  | 'PROXY_TIMEOUT'
  | 'PROXY_CLOSED'
  | 'PROXY_PROTOCOL'
  | 'TARGET_LOOKUP'
  | 'INVALID_TARGET'
  | 'ABORTED';

/** The phases a dial goes through; the target's own begin after it. */
export type DialPhase = Extract<Phase, 'proxy-connect' | 'proxy-tls' | 'proxy-handshake' | 'tunnel'>;

export interface DialFailure {
  readonly code: DialErrorCode;
  readonly phase: DialPhase;
  readonly fault: Fault;
  /** Ours alone: nothing a proxy said may stand in it, for a proxy can echo the credentials it was sent. */
  readonly message: string;
  /** The proxy's answer to CONNECT, where that was the failure. */
  readonly status?: number;
  /** The `error` of its `Proxy-Status` header (RFC 9209), where it is a registered one. */
  readonly proxyStatus?: string;
  /** The reply of a SOCKS proxy: 1 to 8 in SOCKS5, 91 to 93 in SOCKS4. */
  readonly socksReply?: number;
  readonly nodeCode?: string;
}

/** What a Node client would have seen, for libraries that retry by a fixed list of such codes (got). */
const NODE_CODES: Readonly<Record<DialErrorCode, string>> = {
  PROXY_CONNECT: 'ECONNREFUSED',
  PROXY_TLS: 'ECONNRESET',
  PROXY_AUTH: 'ECONNREFUSED',
  PROXY_TUNNEL: 'ECONNREFUSED',
  PROXY_TIMEOUT: 'ETIMEDOUT',
  PROXY_CLOSED: 'ECONNRESET',
  PROXY_PROTOCOL: 'ECONNRESET',
  TARGET_LOOKUP: 'ENOTFOUND',
  INVALID_TARGET: 'ENOTFOUND',
  ABORTED: 'ECANCELED',
};

/** No socket could be had through a proxy. Says how far it came and whose doing it was; shows no credential. */
export class DialError extends Error {
  override readonly name = 'DialError';
  readonly code: DialErrorCode;
  readonly phase: DialPhase;
  readonly fault: Fault;
  /** Not a byte of a request is written before the dial is done. */
  readonly sent = 'nothing' as const;
  /** The nearest code of Node's own, such as ECONNREFUSED or ETIMEDOUT. */
  readonly nodeCode: string;
  declare readonly status?: number;
  declare readonly proxyStatus?: string;
  declare readonly socksReply?: number;

  constructor(failure: DialFailure) {
    super(failure.message);
    this.code = failure.code;
    this.phase = failure.phase;
    this.fault = failure.fault;
    this.nodeCode = failure.nodeCode ?? NODE_CODES[failure.code];
    if (failure.status !== undefined) this.status = failure.status;
    if (failure.proxyStatus !== undefined) this.proxyStatus = failure.proxyStatus;
    if (failure.socksReply !== undefined) this.socksReply = failure.socksReply;
  }
}
