/** Binds a session by hand, in place of any binding it had. */
export const BIND = `
-- KEYS  1 m   2 b:<session>
-- ARGV  1 endpoint   2 idle ms   3 longest ms   4 uses (-1 is no end)
-- result  generation
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local generation = string.format('%.0f', redis.call('HINCRBY', KEYS[1], 'gen', 1))
local life, endsAt = tonumber(ARGV[2]), '-1'
if ARGV[3] ~= '-1' then
  endsAt = string.format('%.3f', now + tonumber(ARGV[3]))
  if life < 0 or tonumber(ARGV[3]) < life then life = tonumber(ARGV[3]) end
end
local pin = ARGV[1] .. ' ' .. generation .. ' ' .. endsAt .. ' ' .. ARGV[4]
if life < 0 then redis.call('SET', KEYS[2], pin) else redis.call('SET', KEYS[2], pin, 'PX', math.ceil(life)) end
return generation
`;
