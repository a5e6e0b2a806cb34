import type { Mutant } from './mutant.js';

/** A fault of what is shared, below `packages` here; the simulated lives and the contract over a real server must notice. */
export const sharingMutants: readonly Mutant[] = [
  {
    name: 'nobody waits after a loss of data',
    file: 'redis/src/scripts/admit.ts',
    find: "if openAt > now then return {'recovering', math.ceil(openAt - now)} end",
    becomes: '',
  },
  {
    name: 'an admission whose answer was lost is not taken back',
    file: 'redis/src/redis-ledger.ts',
    find: "if (reply.outcome === 'unknown') this.#cancel(request);",
    becomes: '',
  },
  {
    name: 'a batch that is sent twice counts twice',
    file: 'redis/src/scripts/push.ts',
    find: "if tonumber(redis.call('HGET', KEYS[2], ARGV[2]) or 0) >= tonumber(ARGV[3]) then return {'known'} end",
    becomes: '',
  },
  {
    name: 'a lease that has run out keeps its place',
    file: 'redis/src/scripts/admit.ts',
    find: "redis.call('ZCOUNT', leases, '(' .. string.format('%.3f', now), '+inf')",
    becomes: "redis.call('ZCARD', leases)",
  },
  {
    name: 'the limit is off by one',
    file: 'redis/src/scripts/admit.ts',
    find: "'+inf') < tonumber(ARGV[10 + 2 * index]) then",
    becomes: "'+inf') <= tonumber(ARGV[10 + 2 * index]) then",
  },
  {
    name: 'a session is looked up, and bound whatever was there',
    file: 'redis/src/scripts/admit.ts',
    find: '  if pinned then',
    becomes: '  pinned = nil\n  if pinned then',
  },
  {
    name: 'a release gives back what others hold',
    file: 'redis/src/scripts/release.ts',
    find: "redis.call('ZREM', KEYS[index], ARGV[index])",
    becomes: "redis.call('DEL', KEYS[index])",
  },
  {
    name: 'a stale lease ends a newer pin',
    file: 'redis/src/scripts/unpin.ts',
    find: 'if not pinned or generation ~= ARGV[1] then return 0 end',
    becomes: 'if not pinned then return 0 end',
  },
  {
    name: 'who has not heard that a session was unbound brings its exit back',
    file: 'redis/src/scripts/admit.ts',
    find: "return {'unpinned'}",
    becomes: '',
  },
  {
    name: 'what is told of a session is believed, whatever has come to pass since',
    file: 'redis/src/standing.ts',
    find: 'take([...rest, ...standing]);',
    becomes: "take([...told, ...standing.filter(({ kind }) => kind !== 'pin')]);",
  },
  {
    name: 'the answer of a moment ago undoes what was decided here meanwhile',
    file: 'redis/src/standing.ts',
    find: "if (words.has('session', pin.session)) continue;",
    becomes: '',
  },
  {
    name: 'what a worker believed before an outage is told again, though nothing was lost',
    file: 'redis/src/redis-link.ts',
    find: 'this.reassert(data !== this.#data)',
    becomes: 'this.reassert(true)',
  },
  {
    name: 'a word that has waited goes over one that was said since',
    file: 'redis/src/scripts/bind.ts',
    find: "if known and ARGV[5] ~= '0' then",
    becomes: 'if false then',
  },
  {
    name: 'the client says what time it is',
    file: 'redis/src/scripts/admit.ts',
    find: 'local now = time[1] * 1000 + time[2] / 1000',
    // That of each worker is off by up to half a second.
    becomes: 'local now = time[1] * 1000 + time[2] / 1000 + tonumber(string.sub(ARGV[2], 2, 4), 36) % 1000 - 500',
  },
  {
    name: 'a place of an epoch that is over is taken',
    file: 'redis/src/scripts/admit.ts',
    find: "if head[1] ~= ARGV[1] then return {'epoch', head[1] or ''} end",
    becomes: "if not head[1] then return {'epoch', ''} end",
  },
  {
    name: 'the sentinel is loaded first',
    file: 'redis/src/redis-link.ts',
    find: "filter((verb) => verb !== 'sentinel')",
    becomes: "filter((verb) => verb !== 'reassert')",
  },
  {
    name: 'who may grant alone at once is thought to have done so for ever',
    file: 'redis/src/redis-store.ts',
    find: 'open: (ttlMs: number) => ttlMs,',
    becomes: 'open: () => 0,',
  },
  {
    name: 'places are granted alone at once',
    file: 'redis/src/redis-ledger.ts',
    find: 'return Math.max(contactAt, triedSince) + longestMs;',
    becomes: 'return Math.max(contactAt, triedSince) - longestMs;',
  },
  {
    name: 'who comes back does not think of what others granted',
    file: 'redis/src/redis-link.ts',
    find: 'return this.grantedAlone || this.#clock.now() - contactAt >= aloneAfterMs;',
    becomes: 'return false;',
  },
];
