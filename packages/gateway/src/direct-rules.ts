import { ConfigurationError } from '@fairlead/core';
import type { Destination } from './destination.js';

export interface DirectOptions {
  /** Only these go without a proxy: `domain:x` that host, `suffix:x`, `.x` and `*.x` what is under it, `x` both. */
  readonly direct?: readonly string[];
  /** Only these go through a proxy, everything else without one. */
  readonly proxied?: readonly string[];
}

type Rule = (host: string) => boolean;

/** Compiles the rules; without any, nothing ever goes directly. */
export function directRules({ direct, proxied }: DirectOptions): (destination: Destination) => boolean {
  if (direct !== undefined && proxied !== undefined) {
    throw new ConfigurationError('INVALID_OPTION', 'proxied', 'cannot stand beside direct: name one or the other');
  }
  const item = proxied === undefined ? 'direct' : 'proxied';
  const rules = (proxied ?? direct ?? []).map((text, index) => compile(text, `${item}[${index}]`));
  const listed = ({ host }: Destination): boolean => rules.some((matches) => matches(host));
  return proxied === undefined ? listed : (destination) => !listed(destination);
}

function compile(text: string, item: string): Rule {
  const [, kind, name = ''] = /^(domain:|suffix:|\*\.|\.)?(.*)$/s.exec(String(text)) ?? [];
  const host = URL.canParse(`http://${name}`) ? new URL(`http://${name}`) : undefined;
  if (host === undefined || host.pathname !== '/' || /\*|:\d*$/.test(name)) {
    throw new ConfigurationError('INVALID_OPTION', item, 'must be domain:x, suffix:x, *.x, .x or x');
  }
  const bare = host.hostname.replace(/^\[|\]$|\.$/g, '');
  const isIt: Rule = (candidate) => candidate === bare;
  const isUnder: Rule = (candidate) => candidate.endsWith(`.${bare}`);
  if (kind === 'domain:') return isIt;
  return kind === undefined ? (candidate) => isIt(candidate) || isUnder(candidate) : isUnder;
}
