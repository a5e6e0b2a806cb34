/** The worker has given back what it held and is gone: nobody has to wait for it. */
export const LEAVE = `
-- KEYS  1 w
-- ARGV  1 worker
-- result  how many have left
return redis.call('ZREM', KEYS[1], ARGV[1])
`;
