import type { CooldownRule } from '../kernel/cooldown.js';
import type { Policy } from './presets.js';

/** The policy's word on when endpoints rest, as the kernel takes it. */
export function cooldownRule({ cooldown }: Policy): CooldownRule {
  return cooldown === 'surprise' ? { kind: 'surprise' } : { kind: 'streak', ...cooldown };
}
