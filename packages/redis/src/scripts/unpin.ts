/** Ends a session's pin, of one generation or of any: compare and delete. */
export const UNPIN = `
-- KEYS  1 b:<session>
-- ARGV  1 generation, or nothing for any
-- result  1 when a pin was ended
local pin = redis.call('GET', KEYS[1])
if not pin then return 0 end
if ARGV[1] ~= '' and string.match(pin, '^%S+ (%S+)') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`;
