/** Takes an admission back whose answer never came: it may have got any of the candidates, or none. */
export const CANCEL = `
-- KEYS  l:<endpoint> of each candidate
-- ARGV  1 lease
-- result  how many places came back
local count = 0
for index = 1, #KEYS do count = count + redis.call('ZREM', KEYS[index], ARGV[1]) end
return count
`;
