import { checkedDefaults, type ProxyDefaults, type ProxyInput } from '../endpoint.js';
import { ConfigurationError } from '../errors.js';
import { ETS_DEFAULTS, type EtsConstants } from '../kernel/defaults.js';
import type { Strategy } from '../kernel/strategy.js';
import { checkKeys, duration, finiteAtLeast, hasMethods, integerAtLeast, ofType, ownOptions } from '../option-check.js';
import type { Outcome, Verdict } from '../outcome.js';
import { resolvePolicy, type PolicyOptions } from '../policy/policy-options.js';
import type { Policy, PresetName } from '../policy/presets.js';
import { systemClock, type Clock } from '../ports/clock.js';
import { systemRandom, type Random } from '../ports/random.js';
import type { LocalStore, Store } from '../ports/store.js';
import { memoryStore } from '../stores/memory.js';

export interface PoolOptions {
  /** What summary lines and errors call the pool. @default 'pool' */
  readonly name?: string;
  /** The proxies; more can be added later, and none is legal. @default [] */
  readonly proxies?: readonly ProxyInput[];
  /** What all proxies have in common, unless one says otherwise. @default {} */
  readonly proxyDefaults?: ProxyDefaults;
  /** What each verdict does. @default 'respectful' */
  readonly policy?: PresetName | PolicyOptions;
  /** Ranks the candidates. @default ets(), the least expected time to a success */
  readonly strategy?: Strategy;
  /** Others by name, for requests that ask for one: `strategy: 'cheap'`. @default {} */
  readonly strategies?: Readonly<Record<string, Strategy>>;
  /** Constants of the default scheduler that differ from `ETS_DEFAULTS`; for experiments. @default {} */
  readonly constants?: Partial<EtsConstants>;
  /** Judges an outcome in place of the pool; undefined leaves it to the pool. */
  readonly classify?: (outcome: Outcome) => Verdict | undefined;
  /** Where limits are held and knowledge is kept. @default memoryStore() */
  readonly store?: Store;
  /** How long a request may take until its answer begins, waiting included, unless it says otherwise. @default 60_000 */
  readonly deadlineMs?: number;
  /** A lease that shows no life for so long is taken back, without blame. @default 60_000 */
  readonly leaseIdleMs?: number;
  /** Most attempts at once, over all endpoints. @default Infinity */
  readonly maxInFlight?: number;
  /** How many callers may wait for a proxy at once. @default 1000 */
  readonly maxWaiting?: number;
  /** @default the system's monotonic clock */
  readonly clock?: Clock;
  /** @default Math.random */
  readonly random?: Random;
}

/** The options of a pool whose limits hold in this process. */
export type LocalPoolOptions = PoolOptions & { readonly store?: LocalStore };

/** The options as the pool reads them: checked, and complete. */
export interface ResolvedOptions extends Required<Omit<PoolOptions, 'policy' | 'strategy' | 'classify'>> {
  readonly policy: Policy;
  readonly strategy: Strategy | undefined;
  readonly classify: PoolOptions['classify'] | undefined;
}

/** The scalar defaults of `PoolOptions`, in one place. */
export const POOL_DEFAULTS = Object.freeze({
  name: 'pool',
  deadlineMs: 60_000,
  leaseIdleMs: 60_000,
  maxInFlight: Number.POSITIVE_INFINITY,
  maxWaiting: 1000,
});

/** In the order of the manual. */
export const OPTION_KEYS: readonly string[] = [
  'name',
  'proxies',
  'proxyDefaults',
  'policy',
  'strategy',
  'strategies',
  'constants',
  'classify',
  'store',
  'deadlineMs',
  'leaseIdleMs',
  'maxInFlight',
  'maxWaiting',
  'clock',
  'random',
] satisfies readonly (keyof PoolOptions)[];

/** What can change while a pool works. */
export type PoolUpdate = Pick<
  PoolOptions,
  'proxies' | 'proxyDefaults' | 'policy' | 'classify' | 'deadlineMs' | 'leaseIdleMs' | 'maxInFlight' | 'maxWaiting'
>;

const FIXED = ['name', 'store', 'strategy', 'strategies', 'constants', 'clock', 'random'];

/** Checks a change; what needs a new pool is refused by name. */
export function resolveUpdate(input: PoolUpdate, current: ResolvedOptions): Partial<ResolvedOptions> {
  // What is said to be undefined is left as it is.
  const changes = ownOptions(input, 'changes');
  const fixed = FIXED.find((key) => Object.hasOwn(changes, key));
  if (fixed !== undefined) {
    throw new ConfigurationError('INVALID_OPTION', fixed, 'cannot be changed while the pool works; make a new pool');
  }
  checkKeys(changes, OPTION_KEYS, '');
  const { proxies: _proxies, proxyDefaults, policy, ...rest } = changes;
  const { deadlineMs, leaseIdleMs, maxInFlight, maxWaiting } = resolveOptions({ ...numbersOf(current), ...rest });
  return {
    deadlineMs,
    leaseIdleMs,
    maxInFlight,
    maxWaiting,
    ...(proxyDefaults === undefined ? {} : { proxyDefaults: checkedDefaults(proxyDefaults) }),
    ...(policy === undefined ? {} : { policy: resolvePolicy(policy) }),
    ...(Object.hasOwn(changes, 'classify') ? { classify: changes.classify } : {}),
  };
}

function numbersOf({ deadlineMs, leaseIdleMs, maxInFlight, maxWaiting }: ResolvedOptions) {
  return { deadlineMs, leaseIdleMs, maxInFlight, maxWaiting };
}

/** Checks what the user wrote and fills in the rest. */
export function resolveOptions(input: PoolOptions): ResolvedOptions {
  const options = ownOptions(input, 'options');
  checkKeys(options, OPTION_KEYS, '');
  const { name, proxies = [], deadlineMs, leaseIdleMs, maxInFlight, maxWaiting } = { ...POOL_DEFAULTS, ...options };
  if (!Array.isArray(proxies)) throw new ConfigurationError('INVALID_OPTION', 'proxies', 'must be a list');
  ofType(name, 'string', 'name');
  duration(deadlineMs, 'deadlineMs');
  duration(leaseIdleMs, 'leaseIdleMs');
  integerAtLeast(maxWaiting, 0, 'maxWaiting');
  if (maxInFlight !== Number.POSITIVE_INFINITY) integerAtLeast(maxInFlight, 1, 'maxInFlight');
  checkParts(options);
  return {
    name,
    proxies,
    proxyDefaults: checkedDefaults(options.proxyDefaults ?? {}),
    deadlineMs,
    leaseIdleMs,
    maxInFlight,
    maxWaiting,
    policy: resolvePolicy(options.policy ?? 'respectful'),
    strategy: options.strategy,
    strategies: checkedStrategies(options.strategies ?? {}),
    constants: options.constants ?? {},
    classify: options.classify,
    store: options.store ?? memoryStore(),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  };
}

function checkedStrategies(strategies: Readonly<Record<string, Strategy>>): Readonly<Record<string, Strategy>> {
  const own = ownOptions(strategies, 'strategies');
  for (const [name, strategy] of Object.entries(own)) hasMethods(strategy, ['rank'], `strategies.${name}`);
  return own;
}

/** What users bring along themselves: a part that lacks something fails now, by name, and not in the middle of a request. */
function checkParts({ strategy, constants = {}, classify, store, clock, random }: PoolOptions): void {
  if (strategy !== undefined) hasMethods(strategy, ['rank'], 'strategy');
  if (classify !== undefined) ofType(classify, 'function', 'classify');
  if (random !== undefined) ofType(random, 'function', 'random');
  if (clock !== undefined) hasMethods(clock, ['now', 'wallNow', 'schedule'], 'clock');
  if (store !== undefined) hasMethods(Object(store).ledger, ['admit', 'release', 'suspend'], 'store.ledger');
  checkKeys(ownOptions(constants, 'constants'), Object.keys(ETS_DEFAULTS), 'constants');
  for (const [name, value] of Object.entries(constants)) finiteAtLeast(value, -1e9, `constants.${name}`);
}
