import type { EndpointId } from '../endpoint.js';
import { checkKeys, finiteAtLeast, ofType, ownOptions } from '../option-check.js';
import type { Policy } from '../policy/presets.js';
import { pinKey } from '../policy/session.js';
import { keyedPolicy } from '../policy/target-policy.js';
import type { Dispatcher } from './dispatcher.js';
import type { Emitter } from './events.js';
import { checkName } from './request.js';

/** Where bytes went. */
export interface ByteFlow {
  readonly endpoint: EndpointId;
  /** The destination: a URL, a host name, or the name of a rule. */
  readonly target: string | URL;
  readonly session?: string | undefined;
}

/** Bytes went through: whoever has a budget for them is charged, and rests, pauses or ends when that is used up. */
export function countBytes(
  dispatcher: Dispatcher,
  events: Emitter,
  policy: Policy,
  input: ByteFlow,
  bytes: number,
): void {
  const { counters, kernel, members, bytes: budgets } = dispatcher;
  const flow = checkedFlow(input);
  finiteAtLeast(bytes, 0, 'bytes');
  const own = keyedPolicy(policy, flow.target);
  counters.bytes += bytes;
  const row = members.roster.rowOf(flow.endpoint);
  if (row !== undefined) counters.ofRow(row).bytes += bytes;
  const known = counters.ofTarget(kernel.internTarget(own.target), own.target);
  if (known !== undefined) known.bytes += bytes;
  const { perTarget, perSession } = own.policy.bytes;
  if (budgets.ofTarget(own.target, bytes, perTarget)) {
    dispatcher.suspend(own.target, Number.POSITIVE_INFINITY, 'bytes');
  }
  if (flow.session !== undefined) {
    const key = pinKey(flow.session, own.target, own.policy.session);
    if (budgets.ofSession(key, bytes, perSession)) events.emit('session-spent', { session: flow.session });
  }
  if (row === undefined) return;
  const spent = members.moved(row, bytes);
  if (spent === undefined) return;
  events.emit('spent', { endpoint: flow.endpoint, why: spent });
  dispatcher.changed();
}

const KEYS = ['endpoint', 'target', 'session'] as const satisfies readonly (keyof ByteFlow)[];

/** Told after each attempt, and most of the time of one that was told before: each is looked at once, if it cannot change. */
const seen = new WeakSet<ByteFlow>();

function checkedFlow(flow: ByteFlow): ByteFlow {
  if (seen.has(flow)) return flow;
  const own = ownOptions(flow, 'flow');
  checkKeys(own, KEYS, 'flow');
  ofType(own.endpoint, 'string', 'flow.endpoint');
  if (own.session !== undefined) checkName(own.session, 'flow.session');
  if (Object.isFrozen(flow) && KEYS.every((key) => Object.hasOwn(flow, key))) seen.add(flow);
  return own;
}
