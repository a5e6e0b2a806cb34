/**
 * Tells a store that has lost its data what a worker has learned, for newcomers: what is there already was told by one who
 * knew no less. Nothing of it is an attempt, and the others have heard it long ago.
 */
export const RESTORE = `
-- KEYS  1 m   2 h:x   then h:<bucket> of each endpoint record
-- ARGV  1 epoch
--       2 how many other records, then of each: name, ms it is good for, the record
--       then of each endpoint record: name, attempts, success, failure, latency, limit, spells, misses, flags, active, cool ms
-- result  {'ok'}   {'epoch', the present one}
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch ~= ARGV[1] then return {'epoch', epoch or ''} end
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local at = 3
for _ = 1, tonumber(ARGV[2]) do
  local name, life, record = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2]
  if life > 0 then
    local value = string.format('%.0f', now + life) .. ' ' .. string.format('%.0f', now) .. ' ' .. record
    redis.call('HSETNX', KEYS[2], name, value)
  end
  at = at + 3
end
for index = 3, #KEYS do
  local numbers = {}
  for place = 1, 10 do numbers[place] = tonumber(ARGV[at + place]) end
  local cool = numbers[10]
  redis.call('HSETNX', KEYS[index], ARGV[at], struct.pack('<I4ffdffBBBBd', 0, numbers[2], numbers[3], now, numbers[4],
    numbers[5], numbers[6], numbers[7], numbers[8], numbers[9], cool > 0 and now + cool or 0))
  at = at + 11
end
return {'ok'}
`;
