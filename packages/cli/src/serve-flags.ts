import { ConfigurationError, PRESET_NAMES, type PresetName } from '@fairlead/core';
import type { GatewayOptions } from '@fairlead/gateway';
import type { Flags, Read } from './command-line.js';

export const SERVE_USAGE = 'fairlead serve --proxies list.txt [flags]: one local proxy over a list of them';

export const SERVE_FLAGS: Flags = {
  proxies: { type: 'string', help: 'file with one proxy a line' },
  listen: { type: 'string', help: 'address and port (127.0.0.1:8899)' },
  socks: { type: 'string', help: 'also speak SOCKS5, on this port' },
  user: { type: 'string', multiple: true, help: 'name:password of somebody who may use it; repeatable' },
  key: { type: 'string', multiple: true, help: 'key of a program that may use it; repeatable' },
  policy: { type: 'string', help: `${PRESET_NAMES.join(', ')} (respectful)` },
  ports: { type: 'string', help: "ports that tunnels may lead to, or 'all' (443)" },
  direct: { type: 'string', multiple: true, help: 'go without a proxy to domain:x, suffix:x, *.x or x; repeatable' },
  proxied: { type: 'string', multiple: true, help: 'go through a proxy to these alone; repeatable' },
  'allow-private': {
    type: 'string',
    multiple: true,
    help: "private network that may be reached, or 'all'; repeatable",
  },
  plain: { type: 'string', help: 'tunnel or absolute: how plain requests go through a proxy (tunnel)' },
  state: { type: 'string', help: 'directory in which what was learned outlives the process (.fairlead)' },
  'no-state': { type: 'boolean', help: 'forget everything at the end' },
  name: { type: 'string', help: 'what the summary calls the pool (fairlead)' },
  json: { type: 'boolean', help: 'access log as JSON, one object a line' },
  quiet: { type: 'boolean', help: 'no access log' },
};

/** The gateway's options, but for its pool. */
export function gatewayOptions(read: Read): Omit<GatewayOptions, 'pool' | 'onAccess'> {
  const [users, keys] = [read.list('user'), read.list('key')];
  const ports = read.text('ports');
  const plain = read.text('plain');
  const allow = read.list('allow-private');
  return {
    users: Object.fromEntries(users.map(readUser)),
    keys,
    ...(ports === undefined ? {} : { ports: ports === 'all' ? ports : ports.split(',').map(Number) }),
    ...(read.has('direct') ? { direct: read.list('direct') } : {}),
    ...(read.has('proxied') ? { proxied: read.list('proxied') } : {}),
    ...(allow.length === 0 ? {} : { allowPrivate: allow.includes('all') ? 'all' : allow }),
    ...(plain === undefined ? {} : { plain: plain as 'tunnel' }),
  };
}

function readUser(text: string): [string, string] {
  const colon = text.indexOf(':');
  // The text may be a password: it is not repeated.
  if (colon < 1) throw new ConfigurationError('INVALID_OPTION', '--user', 'must be name:password');
  return [text.slice(0, colon), text.slice(colon + 1)];
}

export function policyOf(read: Read): PresetName {
  const name = read.text('policy') ?? 'respectful';
  const known = PRESET_NAMES.find((preset) => preset === name);
  if (known !== undefined) return known;
  throw new ConfigurationError('UNKNOWN_PRESET', '--policy', `must be one of ${PRESET_NAMES.join(', ')}`);
}

/** The port of `--socks`, where there is one. */
export function socksPortOf(read: Read): number | undefined {
  const text = read.text('socks');
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new ConfigurationError('INVALID_OPTION', '--socks', 'must be a port');
}

/** `8899`, `127.0.0.1:8899` or `[::1]:8899`. */
export function addressOf(read: Read): { readonly host: string; readonly port: number } {
  const text = read.text('listen') ?? '127.0.0.1:8899';
  const [, bracketed, bare, port] = /^(?:(?:\[([^\]]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535) {
    throw new ConfigurationError('INVALID_OPTION', '--listen', 'must be a port, or an address and a port');
  }
  return { host: bracketed ?? bare ?? '127.0.0.1', port: Number(port) };
}
