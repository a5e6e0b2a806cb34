import { ProxyConfiguration, Request, SessionPool, type Session as RealSession } from '@crawlee/core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { seededRandom } from '../random.js';
import { SessionRule, type Session } from './crawlee-sessions.js';
import { TierRule } from './crawlee-tiers.js';

const TRACES = Array.from({ length: 100 }, (_, index) => index + 1);
const EVENTS = ['good', 'good', 'good', 'bad', 'retire'] as const;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Crawlee's own pool with its one source of chance replaced, and no store behind it. */
function realPool(maxPoolSize: number, random: () => number): SessionPool {
  const Pool = SessionPool as unknown as new (options: object) => SessionPool;
  const pool = new Pool({ maxPoolSize, persistenceOptions: { enable: false } });
  const inside = pool as unknown as { isInitialized: boolean; sessions: unknown[]; _getRandomIndex: () => number };
  inside.isInitialized = true;
  inside._getRandomIndex = () => Math.floor(random() * inside.sessions.length);
  return pool;
}

test.each(TRACES)('sessions: choice for choice as @crawlee/core, trace %i', async (seed) => {
  const random = seededRandom(seed);
  const proxies = 3 + Math.floor(random() * 20);
  const size = 2 + Math.floor(random() * 12);
  const urls = Array.from({ length: proxies }, (_, index) => `http://10.0.0.${index}:8000`);
  const real = realPool(size, seededRandom(seed + 1_000));
  const configuration = new ProxyConfiguration({ proxyUrls: urls });
  const ours = new SessionRule(proxies, seededRandom(seed + 1_000), size);
  const open: { real: RealSession; ours: Session }[] = [];
  for (let step = 0; step < 300; step += 1) {
    const now = step * 20_000;
    vi.setSystemTime(now);
    if (open.length < 4 && random() < 0.6) {
      const session = await real.getSession();
      const mine = ours.get(now);
      expect(urls[mine.proxy]).toBe(await configuration.newUrl(session.id));
      open.push({ real: session, ours: mine });
    } else if (open.length > 0) {
      const [pair] = open.splice(Math.floor(random() * open.length), 1);
      const event = EVENTS[Math.floor(random() * EVENTS.length)]!;
      apply(event, pair!, ours, now);
      expect(pair!.ours.errorScore).toBe(pair!.real.errorScore);
    }
  }
});

function apply(
  event: (typeof EVENTS)[number],
  { real, ours }: { real: RealSession; ours: Session },
  rule: SessionRule,
  now: number,
): void {
  if (event === 'good') {
    real.markGood();
    rule.markGood(ours, now);
  } else if (event === 'bad') {
    real.markBad();
    rule.markBad(ours, now);
  } else {
    real.retire();
    rule.retire(ours);
  }
}

test.each(TRACES)('tiers: choice for choice as @crawlee/core, trace %i', async (seed) => {
  const random = seededRandom(seed);
  const tiers = Array.from({ length: 2 + Math.floor(random() * 3) }, (_, tier) =>
    Array.from({ length: 1 + Math.floor(random() * 4) }, (_, index) => tier * 10 + index),
  );
  const real = new ProxyConfiguration({
    tieredProxyUrls: tiers.map((members) => members.map((proxy) => `http://10.0.0.${proxy}:8000`)),
  });
  const ours = new TierRule(tiers);
  const failing = 0.1 + 0.6 * random();
  for (let step = 0; step < 100; step += 1) {
    const host = Math.floor(random() * 3);
    const request = new Request({ url: `https://host${host}.example/${step}` });
    let last: number | undefined;
    do {
      const info = await real.newProxyInfo(`session${step}`, { request });
      const mine = ours.next(host, last);
      expect(`http://10.0.0.${mine.proxy}:8000`).toBe(info!.url);
      expect(mine.tier).toBe(info!.proxyTier);
      last = mine.tier;
    } while (random() < failing);
  }
});
