/** Gives places back; one that is not there any more is no fault. */
export const RELEASE = `
-- KEYS  l:<endpoint> of each lease
-- ARGV  each lease
-- result  how many were there
local count = 0
for index = 1, #KEYS do count = count + redis.call('ZREM', KEYS[index], ARGV[index]) end
return count
`;
