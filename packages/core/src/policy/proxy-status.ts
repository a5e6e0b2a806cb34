import type { Fault } from '../outcome.js';

/** Whose doing each registered error type is (RFC 9209, section 2.3). What only one side could cause is that side's. */
const FAULTS = new Map<string, Fault>([
  ['dns_timeout', 'unclear'],
  ['dns_error', 'target'],
  ['destination_not_found', 'target'],
  ['destination_unavailable', 'target'],
  ['destination_ip_prohibited', 'endpoint'],
  ['destination_ip_unroutable', 'unclear'],
  ['connection_refused', 'target'],
  ['connection_terminated', 'target'],
  ['connection_timeout', 'unclear'],
  ['connection_read_timeout', 'unclear'],
  ['connection_write_timeout', 'unclear'],
  ['connection_limit_reached', 'endpoint'],
  ['tls_protocol_error', 'target'],
  ['tls_certificate_error', 'target'],
  ['tls_alert_received', 'target'],
  ['http_request_error', 'endpoint'],
  ['http_request_denied', 'endpoint'],
  ['http_response_incomplete', 'target'],
  ['http_response_header_section_size', 'target'],
  ['http_response_header_size', 'target'],
  ['http_response_body_size', 'target'],
  ['http_response_trailer_section_size', 'target'],
  ['http_response_trailer_size', 'target'],
  ['http_response_transfer_coding', 'target'],
  ['http_response_content_coding', 'target'],
  ['http_response_timeout', 'unclear'],
  ['http_upgrade_failed', 'target'],
  ['http_protocol_error', 'target'],
  ['proxy_internal_response', 'endpoint'],
  ['proxy_internal_error', 'endpoint'],
  ['proxy_configuration_error', 'endpoint'],
  ['proxy_loop_detected', 'endpoint'],
]);

export interface ProxyStatus {
  /** One of the registered error types: any other text is the proxy's own and may repeat what it was sent. */
  readonly error: string;
  readonly fault: Fault;
}

/** Reads the first error a `Proxy-Status` header reports: the intermediary nearest the target comes first. */
export function parseProxyStatus(header: string | readonly string[] | undefined): ProxyStatus | undefined {
  const text = typeof header === 'string' ? header : header?.join(', ');
  if (text === undefined) return undefined;
  // Quoted strings may hold separators and text such as `error=`: they go before anything is looked for.
  const bare = text.slice(0, MAX_LENGTH).replace(/"(?:[^"\\]|\\.)*"?/g, '""');
  for (const [, error = ''] of bare.matchAll(/;\s*error\s*=\s*([a-z_]+)(?=\s*(?:[;,]|$))/g)) {
    const fault = FAULTS.get(error);
    if (fault !== undefined) return { error, fault };
  }
  return undefined;
}

const MAX_LENGTH = 4096;
