import { FairleadError, type Policy } from '@fairlead/core';
import { pastThePool } from '@fairlead/dial';
import type { GotOptions } from './options.js';

/** Throws where the request would not go through the pool's proxies: no direct connection by accident. */
export function refuseBypass(options: GotOptions, isOurs: (agent: unknown) => boolean): void {
  const { agent, http2, request, enableUnixSockets, url } = options;
  for (const [scheme, own] of Object.entries(agent)) {
    if (own !== undefined && own !== false && !isOurs(own)) throw pastThePool(`its own 'agent.${scheme}'`);
  }
  if (http2) throw pastThePool("'http2: true'");
  if (request !== undefined) throw pastThePool("its own 'request'");
  if (enableUnixSockets && new URL(url ?? '').hostname === 'unix') throw pastThePool('a unix socket');
}

/** The same once all hooks have run: one that comes after ours could still put an agent in the place of ours. */
export function checkAtLast(options: GotOptions, isOurs: (agent: unknown) => boolean): void {
  const { getRequestFunction } = Object.getPrototypeOf(options) as GotOptions;
  // got asks for it when no hook is left to run. One redirect after another uses the same options.
  options.getRequestFunction = () => {
    refuseBypass(options, isOurs);
    return getRequestFunction.call(options);
  };
}

/** A policy may change while the pool works, and be another's for a rule: it is looked at for each request. */
export function refuseCompany({ hedge, race }: Pick<Policy, 'hedge' | 'race'>): void {
  if (hedge.perAttempt === 0 && race.paths === 1) return;
  const problem = 'got sends one request at a time: it can neither hedge nor race as the policy asks';
  throw new FairleadError('POLICY_UNSUPPORTED', problem);
}
