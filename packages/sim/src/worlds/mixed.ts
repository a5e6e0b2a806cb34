import { datacenterEndpoints } from './datacenter.js';
import { freeEndpoints } from './free.js';
import { between, type WorldPlan } from './plan.js';
import { residentialEndpoints } from './residential.js';

/** Every kind at once, with limits, bans and an outage. */
export const mixed: WorldPlan = {
  name: 'mixed',
  targets: 40,
  slots: 120,
  durationMs: 500_000,
  fleet: [
    freeEndpoints(400, 1_200_000, 10_800_000),
    residentialEndpoints(100),
    { ...datacenterEndpoints(100), cap: between(3, 6), providers: 5 },
  ],
  rules: [
    {
      share: 1 / 3,
      bucket: { perSecond: between(0.05, 0.2), burst: 4, strikes: 10, retryAfter: false },
      banMs: 120_000,
    },
    { share: 1 / 3, ban: { hazard: 0.05, shown: 'denied' }, banMs: 120_000 },
  ],
  troubles: [{ kind: 'outage', providers: 2, fromMs: 200_000, toMs: 320_000 }],
};
