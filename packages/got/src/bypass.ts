import { FairleadError } from '@fairlead/core';
import type { GotOptions } from './options.js';

/** Throws where the request would not go through the pool's proxies: no direct connection by accident. */
export function refuseBypass(options: GotOptions, isOurs: (agent: unknown) => boolean): void {
  const { agent, http2, request, enableUnixSockets, url } = options;
  for (const [scheme, own] of Object.entries(agent)) {
    if (own !== undefined && own !== false && !isOurs(own)) throw unsupported(`its own 'agent.${scheme}'`);
  }
  if (http2) throw unsupported("'http2: true'");
  if (request !== undefined) throw unsupported("its own 'request'");
  if (enableUnixSockets && new URL(url ?? '').hostname === 'unix') throw unsupported('a unix socket');
}

export function directRefused(): FairleadError {
  return new FairleadError('POLICY_UNSUPPORTED', "'pool: false' would connect directly; it needs 'allowDirect: true'");
}

function unsupported(what: string): FairleadError {
  return new FairleadError('POLICY_UNSUPPORTED', `${what} would connect past the pool's proxies`);
}
