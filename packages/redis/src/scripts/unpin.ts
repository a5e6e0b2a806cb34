/**
 * Ends a session's pin, of one generation or of any: compare and delete. For a while it is remembered that one was ended by
 * hand, for who was out of reach meanwhile and had said something else before.
 */
export const UNPIN = `
-- KEYS  1 b:<session>
-- ARGV  1 generation, or nothing for any   2 ms since it was said
-- result  1 when a pin was ended
local known = redis.call('GET', KEYS[1])
local endpoint, generation
if known then endpoint, generation = string.match(known, '^(%S+) (%S+)') end
local pinned = endpoint and endpoint ~= '-'
if ARGV[1] ~= '' then
  if not pinned or generation ~= ARGV[1] then return 0 end
  return redis.call('DEL', KEYS[1])
end
local time = redis.call('TIME')
local said = math.floor((time[1] * 1000 + time[2] / 1000 - tonumber(ARGV[2])) * 100)
-- The younger word holds.
if ARGV[2] ~= '0' and generation and tonumber(generation) > said then return 0 end
redis.call('SET', KEYS[1], '- ' .. string.format('%.0f', said), 'PX', 60000)
return pinned and 1 or 0
`;
