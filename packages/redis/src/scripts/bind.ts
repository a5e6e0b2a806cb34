/** Binds a session by hand, in place of any binding it had; not of one that is younger than the word that was given. */
export const BIND = `
-- KEYS  1 m   2 b:<session>
-- ARGV  1 endpoint   2 idle ms   3 longest ms   4 uses (-1 is no end)   5 ms since it was said
-- result  {endpoint, generation} that hold now; {} where somebody has unbound it since
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local known = redis.call('GET', KEYS[2])
if known and ARGV[5] ~= '0' then
  local endpoint, generation = string.match(known, '^(%S+) (%S+)')
  if tonumber(generation) > (now - tonumber(ARGV[5])) * 100 then
    return endpoint == '-' and {} or {endpoint, generation}
  end
end
local generation = string.format('%.0f', math.max(now * 100, (tonumber(redis.call('HGET', KEYS[1], 'gen')) or 0) + 1))
redis.call('HSET', KEYS[1], 'gen', generation)
local life, endsAt = tonumber(ARGV[2]), '-1'
if ARGV[3] ~= '-1' then
  endsAt = string.format('%.3f', now + tonumber(ARGV[3]))
  if life < 0 or tonumber(ARGV[3]) < life then life = tonumber(ARGV[3]) end
end
local pin = ARGV[1] .. ' ' .. generation .. ' ' .. endsAt .. ' ' .. ARGV[4]
if life < 0 then redis.call('SET', KEYS[2], pin) else redis.call('SET', KEYS[2], pin, 'PX', math.ceil(life)) end
return {ARGV[1], generation}
`;
