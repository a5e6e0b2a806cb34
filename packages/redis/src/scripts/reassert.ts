/** Tells a store what a worker holds and knows: leases and paces, and where it has lost its data pins and suspensions too. */
export const REASSERT = `
-- KEYS  1 m   then one for each item: l:<endpoint>, g:<endpoint>:<target>, b:<session> or t:<target>
-- ARGV  1 epoch   then for each item its letter and three values:
--       l lease, ms left, ''    g ms ahead, '', ''    b endpoint and generation, ms until the end or -1 and uses, idle ms or -1
--       t ms or -1, why, ''
-- result  {'ok'}   {'epoch', the present one}
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch ~= ARGV[1] then return {'epoch', epoch or ''} end
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
for index = 2, #KEYS do
  local at = 2 + (index - 2) * 4
  local kind, a, b, c = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local key = KEYS[index]
  if kind == 'l' then
    redis.call('ZADD', key, string.format('%.3f', now + tonumber(b)), a)
    redis.call('PEXPIRE', key, 120000)
  elseif kind == 'g' then
    local next = now + tonumber(a)
    if next > (tonumber(redis.call('GET', key)) or 0) then
      redis.call('SET', key, string.format('%.3f', next), 'PX', math.ceil(tonumber(a)) + 1)
    end
  elseif kind == 'b' then
    -- The first to speak keeps the session, or whoever unbound it just now; others hear of it at their next admission.
    local left, uses = string.match(b, '^(%S+) (%S+)$')
    local life = tonumber(c)
    local endsAt = '-1'
    if left ~= '-1' then
      endsAt = string.format('%.3f', now + tonumber(left))
      if life < 0 or tonumber(left) < life then life = tonumber(left) end
    end
    local pin = a .. ' ' .. endsAt .. ' ' .. uses
    if life < 0 then
      redis.call('SET', key, pin, 'NX')
    elseif life >= 1 then
      redis.call('SET', key, pin, 'NX', 'PX', math.ceil(life))
    end
  elseif kind == 't' then
    local known = redis.call('PTTL', key)
    if a == '-1' then
      redis.call('SET', key, b)
    elseif known ~= -1 and tonumber(a) > known then
      redis.call('SET', key, b, 'PX', math.ceil(tonumber(a)))
    end
  end
end
return {'ok'}
`;
