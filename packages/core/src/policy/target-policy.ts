import { targetOf, toTarget, toTargetUrl, type Target } from '../target.js';
import type { Policy } from './presets.js';
import type { TargetMatcher } from './target-rules.js';

/** A rule as the pool reads it. */
export interface TargetPolicy {
  readonly matches: TargetMatcher;
  /** Groups all that match under one key; undefined keeps their hosts apart. */
  readonly name: Target | undefined;
  /** The pool's policy with the rule's numbers in it. */
  readonly policy: Policy;
}

/** The first rule that matches decides; without one the pool's own policy does. */
export function policyFor(policy: Policy, url: URL): { readonly policy: Policy; readonly target: Target } {
  const host = targetOf(url);
  if (policy.targets.length === 0) return { policy, target: host };
  const rule = policy.targets.find(({ matches }) => matches(url));
  return rule === undefined ? { policy, target: host } : { policy: rule.policy, target: rule.name ?? host };
}

/** What a request for this destination goes by. Where no rule has to be asked, a URL is not parsed each time. */
export function termsOf(policy: Policy, target: string | URL): { readonly policy: Policy; readonly target: Target } {
  return policy.targets.length === 0 ? { policy, target: toTarget(target) } : policyFor(policy, toTargetUrl(target));
}

/** The same for what operators name: a rule's name is a target too, and no host. */
export function keyedPolicy(
  policy: Policy,
  target: string | URL,
): { readonly policy: Policy; readonly target: Target } {
  const named = policy.targets.find(({ name }) => name !== undefined && name === target);
  return named?.name === undefined ? termsOf(policy, target) : { policy: named.policy, target: named.name };
}
