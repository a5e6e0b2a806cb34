import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { ConfigurationError } from '@fairlead/core';
import type { Destination } from './destination.js';
import { GUARDED, privateTarget, Refusal } from './refusal.js';

/** Resolves a name to all of its addresses, as `dns.lookup` with `all` does. */
export type Resolve = (
  host: string,
  callback: (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void,
) => void;

/** Nothing of the public internet lives here. */
const PRIVATE_4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
/** All but 2000::/3, and of that what stands for an IPv4 address or for nobody: Teredo, documentation, 6to4. */
const PRIVATE_6 = [
  '::/3',
  '2001::/32',
  '2001:2::/48',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  '4000::/2',
  '8000::/1',
];

const MOST_CHECKED = 1000;

/** Names that lead home without any resolver. */
const LOOPBACK_NAME = /(?:^|\.)(?:localhost|localdomain)$/;
/** Names that each network has of its own: where one leads is known when it has been resolved here. */
const SITE_NAME = /(?:^|\.)(?:local|internal|home\.arpa)$/;

/**
 * Keeps clients out of the networks that this machine is in. What is checked is what is connected to: a name is resolved
 * once, each of its addresses is checked, and only those are tried.
 */
export class PrivateNetworks {
  /** Apart: a rule for IPv6 also matches the IPv4 addresses that stand in its range. */
  readonly #blocked4 = listOf(PRIVATE_4, 'private networks');
  readonly #blocked6 = listOf(PRIVATE_6, 'private networks');
  readonly #allowed: BlockList;
  readonly #allowsAll: boolean;
  readonly #resolve: Resolve;
  /** What is said of a text is said of it for ever: a name passes here, and its addresses are checked when they are known. */
  readonly #checked = new Map<string, boolean | 'directly'>();

  constructor(allow: 'all' | readonly string[], resolve: Resolve = systemResolve) {
    this.#allowsAll = allow === 'all';
    this.#allowed = listOf(allow === 'all' ? [] : allow, 'allowPrivate');
    this.#resolve = resolve;
  }

  /** Refuses addresses, and names that are as good as one, before anything is asked for them. */
  check({ host }: Destination, goesDirectly: boolean): void {
    if (this.#allowsAll) return;
    let passes = this.#checked.get(host);
    if (passes === undefined) {
      passes = isIP(host) === 0 ? this.#allowsName(host) : this.#allows(host);
      if (this.#checked.size >= MOST_CHECKED) this.#checked.clear();
      this.#checked.set(host, passes);
    }
    if (passes === false || (passes === 'directly' && !goesDirectly)) throw privateTarget();
  }

  /** For `net.connect`: hands out addresses that have been checked, and no others. */
  readonly lookup: LookupFunction = (host, options, callback) => {
    this.#resolve(host, (error, addresses) => {
      if (error !== null) return callback(error, '', 0);
      // One private address among public ones is how a name is used to get in: it is not a choice of addresses.
      if (!this.#allowsAll && addresses.some(({ address }) => !this.#allows(address))) {
        return callback(privateTarget() as NodeJS.ErrnoException, '', 0);
      }
      const wanted = addresses.filter(({ family }) => !options.family || options.family === family);
      const [first] = wanted;
      if (first === undefined) return callback(Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), '', 0);
      // One shape or the other, as the caller asks for.
      if (options.all === true) callback(null, wanted as LookupAddress[]);
      else callback(null, first.address, first.family);
    });
  };

  /** The same for a dial through a proxy that takes addresses only. */
  readonly targetLookup: LookupFunction = (host, options, callback) => {
    this.lookup(host, options, (error, address, family) => {
      const told = error instanceof Refusal ? Object.assign(new Error(error.message), { code: GUARDED }) : error;
      callback(told, address, family);
    });
  };

  #allowsName(host: string): boolean | 'directly' {
    if (LOOPBACK_NAME.test(host)) return this.#allows('127.0.0.1');
    return SITE_NAME.test(host) ? 'directly' : true;
  }

  #allows(address: string): boolean {
    const isV6 = isIP(address) === 6;
    const blocked = isV6 ? this.#blocked6.check(address, 'ipv6') : this.#blocked4.check(address, 'ipv4');
    // What is allowed as IPv4 is so in IPv6 clothes too: the list sees through them.
    return !blocked || this.#allowed.check(address, isV6 ? 'ipv6' : 'ipv4');
  }
}

function systemResolve(host: string, callback: Parameters<Resolve>[1]): void {
  dnsLookup(host, { all: true }, callback);
}

function listOf(ranges: readonly string[], item: string): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [, address = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(range) ?? [];
    const family = isIP(address);
    const most = family === 6 ? 128 : 32;
    if (family === 0 || Number(prefix ?? most) > most) {
      throw new ConfigurationError('INVALID_OPTION', item, 'must be addresses or networks such as 10.0.0.0/8');
    }
    list.addSubnet(address, Number(prefix ?? most), family === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}
