import { hash } from 'node:crypto';

/** What all workers of a pool have to have in common, as it stands at the store. */
export interface Terms {
  readonly secret: string;
  readonly shards: number;
  readonly leaseTtlMs: number;
}

/** In three words: a hash that tells keys apart and shows nothing of them, the shards, and last the life of a lease. */
export function termsOf({ secret, shards, leaseTtlMs }: Terms): string {
  return `${hash('sha256', `${secret} terms`, 'hex').slice(0, 16)} ${shards} ${leaseTtlMs}`;
}

/** What the others have otherwise, in words. */
export function disagreement(own: string, theirs: string): string {
  const [ownKey, ...ours] = own.split(' ');
  const [key, ...others] = theirs.split(' ');
  const differing = ownKey === key ? [] : ['poolKey'];
  ['shards', 'leaseTtlMs'].forEach((name, index) => {
    if (ours[index] !== others[index]) differing.push(`${name} (${others[index]} there, ${ours[index]} here)`);
  });
  return `workers that share the pool have another ${differing.join(' and another ')}; it must be the same for all`;
}
