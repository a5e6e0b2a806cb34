import { isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import { DialError } from './dial-error.js';

/** Where a tunnel leads. */
export interface Destination {
  /** ASCII, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

const MAX_NAME = 255;
/** domainToASCII drops line breaks and cuts at a slash, as a URL would: it is given words only. */
const NAME = /^[\p{L}\p{M}\p{N}\p{So}._\-\u3002\uff0e\uff61]+$/u;

/** What domainToASCII would answer as it is: no upper case, no punycode, and no last label that could be a number. */
const PLAIN =
  /^(?:(?!xn--)[a-z0-9-]+\.)*(?!xn--)[a-z][a-z-]*[a-z]$|^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** Reads a host and port as users and libraries write them; names become punycode. */
export function toDestination(host: string, port: number): Destination {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  const ascii = PLAIN.test(bare) || isIPv6(bare) ? bare : NAME.test(bare) ? domainToASCII(bare) : '';
  if (ascii === '' || ascii.length > MAX_NAME) throw invalid('the host is not a name or an address');
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw invalid('the port is not from 1 to 65535');
  return { host: ascii, port };
}

/** `host:port` as it stands in a CONNECT request. */
export function authorityOf({ host, port }: Destination): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function invalid(problem: string): DialError {
  const message = `cannot be dialled: ${problem}`;
  return new DialError({ code: 'INVALID_TARGET', phase: 'proxy-connect', fault: 'caller', message });
}
