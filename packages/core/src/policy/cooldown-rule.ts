import type { CooldownRule } from '../kernel/cooldown.js';
import type { Policy } from './presets.js';

/** When endpoints rest under a policy, as the kernel takes it. */
export function cooldownRule({ cooldown, evictAfter }: Policy): CooldownRule {
  const eviction = evictAfter === 0 ? {} : { evictAfter };
  return cooldown === 'surprise' ? { kind: 'surprise', ...eviction } : { kind: 'streak', ...cooldown, ...eviction };
}
