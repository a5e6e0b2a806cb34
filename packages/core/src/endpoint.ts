import { hash } from 'node:crypto';
import { ConfigurationError } from './errors.js';
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
}

/** A proxy with settings of its own. */
export interface ProxyOptions {
  /** Any form `parseProxyUrl` reads. */
  readonly url: string | ProxyUrl;
  /** User name and password apart from the URL, taken as they are, not percent-decoded. */
  readonly username?: string;
  readonly password?: string;
  /** Words a request can ask for. @default [] */
  readonly tags?: readonly string[];
  /** Share of the traffic under weighted strategies. @default 1 */
  readonly weight?: number;
  /** Cost class: lower tiers are preferred. @default 0 */
  readonly tier?: number;
  /** Most attempts through this proxy at once. @default Infinity */
  readonly maxInFlight?: number;
  /** Each new connection may leave by another address (a provider's rotating gateway). @default false */
  readonly rotating?: boolean;
  /** The address that targets see, where it is known: proxies with the same one can stand in for each other in a session. */
  readonly exit?: string;
}

/** What users write in `proxies`: an address, or an address with settings. */
export type ProxyInput = string | ProxyUrl | ProxyOptions;

/** The defaults of `ProxyOptions`, in one place. */
export const ENDPOINT_DEFAULTS = Object.freeze({
  tags: Object.freeze([]) as readonly string[],
  weight: 1,
  tier: 0,
  maxInFlight: Number.POSITIVE_INFINITY,
  rotating: false,
});

const KEYS = ['url', 'username', 'password', 'tags', 'weight', 'tier', 'maxInFlight', 'rotating', 'exit'] as const;

/** Reads one entry of `proxies`. `item` names it in errors, such as `proxies[3]`. */
export function toEndpoint(input: ProxyInput, item: string): Endpoint {
  const bare = typeof input === 'string' || input instanceof ProxyUrl;
  const options: ProxyOptions = bare ? { url: input } : ownOptions(input, item);
  checkKeys(options, KEYS, item);
  const url = readUrl(options, item);
  const { tags, weight, tier, maxInFlight, rotating } = { ...ENDPOINT_DEFAULTS, ...options };
  if (!Array.isArray(tags) || tags.some((tag) => typeof tag !== 'string')) {
    throw new ConfigurationError('INVALID_OPTION', `${item}.tags`, 'must be a list of words');
  }
  finiteAtLeast(weight, 0, `${item}.weight`);
  ofType(rotating, 'boolean', `${item}.rotating`);
  if (options.exit !== undefined) ofType(options.exit, 'string', `${item}.exit`);
  integerAtLeast(tier, 0, `${item}.tier`);
  if (maxInFlight !== Number.POSITIVE_INFINITY) integerAtLeast(maxInFlight, 1, `${item}.maxInFlight`);
  return Object.freeze({
    id: endpointId(url),
    url,
    tags: Object.freeze([...tags]),
    weight,
    tier,
    maxInFlight,
    rotating,
    exit: options.exit,
  });
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
  return withCredentials(parsed, { username: username ?? '', password: password ?? '' }, { item });
}

function endpointId(url: ProxyUrl): EndpointId {
  const user = url.credentials()?.username;
  // Providers put country and session into the user name: two user names on one address are two exits.
  const suffix = user === undefined ? '' : `#${hash('sha256', user, 'hex').slice(0, 12)}`;
  return `${url.toString()}${suffix}` as EndpointId;
}
