import { hash } from 'node:crypto';
import { ConfigurationError } from './errors.js';
import { TIERS } from './kernel/table.js';
import { checkKeys, finiteAtLeast, integerAtLeast, ofType, ownOptions } from './option-check.js';
import { parseProxyUrl, withCredentials, ProxyUrl } from './proxy-url.js';

declare const brand: unique symbol;
/** Names one exit in stats, logs, metrics and state. Holds no credential; a user name enters only as a short hash. */
export type EndpointId = string & { readonly [brand]: 'EndpointId' };

/** One exit the pool can send through. */
export interface Endpoint {
  readonly id: EndpointId;
  readonly url: ProxyUrl;
  readonly tags: readonly string[];
  readonly weight: number;
  readonly tier: number;
  readonly maxInFlight: number;
  readonly rotating: boolean;
  readonly exit: string | undefined;
  readonly provider: string | undefined;
  readonly region: string | undefined;
  readonly country: string | undefined;
  readonly asn: number | undefined;
  readonly class: string | undefined;
  readonly maxRequests: number;
  readonly maxBytes: number;
  readonly rate: ProxyRate | undefined;
}

/** At most so many requests in any span of so many milliseconds. */
export interface ProxyRate {
  readonly requests: number;
  readonly perMs: number;
}

/** A proxy with settings of its own. */
export interface ProxyOptions {
  /** Any form `parseProxyUrl` reads. */
  readonly url: string | ProxyUrl;
  /** User name and password apart from the URL, taken as they are, not percent-decoded; what is not given is the URL's own. */
  readonly username?: string;
  readonly password?: string;
  /** Words a request can ask for. @default [] */
  readonly tags?: readonly string[];
  /** Share of the traffic under weighted strategies, up to 1e9; with 0 it has none. @default 1 */
  readonly weight?: number;
  /** Cost class, 0 to 31: lower tiers are preferred. @default 0 */
  readonly tier?: number;
  /** Most attempts through this proxy at once. @default Infinity */
  readonly maxInFlight?: number;
  /** Each new connection may leave by another address (a provider's rotating gateway). @default false */
  readonly rotating?: boolean;
  /** The address that targets see, where it is known: proxies with the same one can stand in for each other in a session. */
  readonly exit?: string;
  /** Who sells it. Like the four below it can be asked for by a request. */
  readonly provider?: string;
  readonly region?: string;
  /** Where targets see it, such as `DE`; compared without regard to case. */
  readonly country?: string;
  /** The autonomous system it belongs to. */
  readonly asn?: number;
  /** Such as `datacenter`, `residential`, `isp` or `mobile`. */
  readonly class?: string;
  /** After so many requests it rests until `pool.update({ proxies })` names it again or it is resumed. @default Infinity */
  readonly maxRequests?: number;
  /** The same by bytes, as far as `pool.countBytes` is told of them. @default Infinity */
  readonly maxBytes?: number;
  /** At most so many requests in any span of `perMs`, over all targets. @default no bound */
  readonly rate?: ProxyRate;
}

/** What all proxies of a pool have in common, unless one says otherwise. */
export type ProxyDefaults = Omit<ProxyOptions, 'url' | 'username' | 'password' | 'exit'>;

/** What users write in `proxies`: an address, or an address with settings. */
export type ProxyInput = string | ProxyUrl | ProxyOptions;

/** The defaults of `ProxyOptions`, in one place. */
export const ENDPOINT_DEFAULTS = Object.freeze({
  tags: Object.freeze([]) as readonly string[],
  weight: 1,
  tier: 0,
  maxInFlight: Number.POSITIVE_INFINITY,
  rotating: false,
  maxRequests: Number.POSITIVE_INFINITY,
  maxBytes: Number.POSITIVE_INFINITY,
});

/** What a request can ask an endpoint to be, beside its tags. */
export const TRAITS = ['provider', 'region', 'country', 'asn', 'class'] as const;

/** In the order of the manual. */
export const DEFAULT_KEYS: readonly string[] = [
  'tags',
  'weight',
  'tier',
  'maxInFlight',
  'rotating',
  ...TRAITS,
  'maxRequests',
  'maxBytes',
  'rate',
] satisfies readonly (keyof ProxyDefaults)[];
export const PROXY_KEYS: readonly string[] = ['url', 'username', 'password', 'exit', ...DEFAULT_KEYS];
const LEAST_WEIGHT = 1e-9;
const MOST_WEIGHT = 1e9;
/** The ring of a window holds an instant for each request of it. */
const MOST_PER_WINDOW = 10_000;

/** Checks what all proxies have in common. */
export function checkedDefaults(defaults: ProxyDefaults): ProxyDefaults {
  const own = ownOptions(defaults, 'proxyDefaults');
  checkKeys(own, DEFAULT_KEYS, 'proxyDefaults');
  checkSettings({ ...ENDPOINT_DEFAULTS, ...own }, 'proxyDefaults');
  return own;
}

/** Reads one entry of `proxies`. `item` names it in errors, such as `proxies[3]`. */
export function toEndpoint(input: ProxyInput, item: string, defaults: ProxyDefaults = {}): Endpoint {
  const bare = typeof input === 'string' || input instanceof ProxyUrl;
  const options: ProxyOptions = bare ? { url: input } : ownOptions(input, item);
  checkKeys(options, PROXY_KEYS, item);
  const url = readUrl(options, item);
  const settings = { ...ENDPOINT_DEFAULTS, ...defaults, ...options };
  checkSettings(settings, item);
  if (options.exit !== undefined) ofType(options.exit, 'string', `${item}.exit`);
  const { tags, weight, tier, maxInFlight, rotating, maxRequests, maxBytes, rate } = settings;
  return Object.freeze({
    id: endpointId(url),
    url,
    tags: Object.freeze([...tags]),
    weight,
    tier,
    maxInFlight,
    rotating,
    exit: options.exit,
    provider: settings.provider,
    region: settings.region,
    country: settings.country?.toUpperCase(),
    asn: settings.asn,
    class: settings.class,
    maxRequests,
    maxBytes,
    rate: rate === undefined ? undefined : Object.freeze({ requests: rate.requests, perMs: rate.perMs }),
  });
}

type Settings = ProxyDefaults & Required<Pick<ProxyDefaults, keyof typeof ENDPOINT_DEFAULTS>>;

function checkSettings(settings: Settings, item: string): void {
  const { tags, maxInFlight, rotating, asn, maxRequests, maxBytes } = settings;
  if (!Array.isArray(tags) || tags.some((tag) => typeof tag !== 'string')) {
    throw new ConfigurationError('INVALID_OPTION', `${item}.tags`, 'must be a list of words');
  }
  checkRank(settings, item);
  ofType(rotating, 'boolean', `${item}.rotating`);
  if (maxInFlight !== Number.POSITIVE_INFINITY) integerAtLeast(maxInFlight, 1, `${item}.maxInFlight`);
  if (maxRequests !== Number.POSITIVE_INFINITY) integerAtLeast(maxRequests, 1, `${item}.maxRequests`);
  if (maxBytes !== Number.POSITIVE_INFINITY) finiteAtLeast(maxBytes, 1, `${item}.maxBytes`);
  if (asn !== undefined) integerAtLeast(asn, 1, `${item}.asn`);
  for (const trait of ['provider', 'region', 'country', 'class'] as const) {
    if (settings[trait] !== undefined) ofType(settings[trait], 'string', `${item}.${trait}`);
  }
  if (settings.rate !== undefined) checkRate(settings.rate, `${item}.rate`);
}

/** What a table of single precision and its few tiers would turn into another number is refused by name. */
function checkRank({ weight, tier }: Settings, item: string): void {
  finiteAtLeast(weight, 0, `${item}.weight`);
  if (weight !== 0 && (weight < LEAST_WEIGHT || weight > MOST_WEIGHT)) {
    throw new ConfigurationError('INVALID_OPTION', `${item}.weight`, 'must be 0, or a number from 1e-9 to 1e9');
  }
  if (Number.isInteger(tier) && tier >= 0 && tier < TIERS) return;
  throw new ConfigurationError('INVALID_OPTION', `${item}.tier`, `must be a whole number from 0 to ${TIERS - 1}`);
}

function checkRate(rate: ProxyRate, item: string): void {
  checkKeys(ownOptions(rate, item), ['requests', 'perMs'], item);
  integerAtLeast(rate.requests, 1, `${item}.requests`);
  if (rate.requests > MOST_PER_WINDOW) {
    throw new ConfigurationError('INVALID_OPTION', `${item}.requests`, `must be at most ${MOST_PER_WINDOW}`);
  }
  finiteAtLeast(rate.perMs, 1, `${item}.perMs`);
}

function readUrl(options: ProxyOptions, item: string): ProxyUrl {
  const { url, username, password } = options;
  if (typeof url !== 'string' && !(url instanceof ProxyUrl)) {
    throw new ConfigurationError('INVALID_PROXY', item, 'has no url');
  }
  const parsed = typeof url === 'string' ? parseProxyUrl(url, { item }) : url;
  if (username === undefined && password === undefined) return parsed;
  if (username !== undefined) ofType(username, 'string', `${item}.username`);
  if (password !== undefined) ofType(password, 'string', `${item}.password`);
  const inside = parsed.credentials() ?? { username: '', password: '' };
  const credentials = { username: username ?? inside.username, password: password ?? inside.password };
  return withCredentials(parsed, credentials, { item });
}

function endpointId(url: ProxyUrl): EndpointId {
  const user = url.credentials()?.username;
  // Providers put country and session into the user name: two user names on one address are two exits.
  const suffix = user === undefined ? '' : `#${hash('sha256', user, 'hex').slice(0, 12)}`;
  return `${url.toString()}${suffix}` as EndpointId;
}
