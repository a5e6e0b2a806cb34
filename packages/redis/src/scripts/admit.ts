/** Takes a place on the first candidate that the hard limits allow: suspension, pin, leases in flight, pace. */
export const ADMIT = `
-- KEYS  1 m   2 t:<target>   3 b:<session>   then for each candidate l:<endpoint> and, where paced, g:<endpoint>:<target>
-- ARGV  1 epoch   2 lease   3 lease ttl   4 emission   5 burst (ms)   6 '1' with a session
--       7 pin idle ms   8 pin longest ms   9 pin uses (-1 is no end)   10 generation of the pin it is asked by, or nothing
--       then for each candidate its name and its limit
-- result  {'ok', index, 'none' | 'new' | 'kept', generation}   {'suspended', ms | -1, why}   {'busy', ms | -1}
--         {'pinned-elsewhere', endpoint, generation}   {'unpinned'}   {'recovering', ms}   {'epoch', the present one}
local head = redis.call('HMGET', KEYS[1], 'epoch', 'openAt')
if head[1] ~= ARGV[1] then return {'epoch', head[1] or ''} end
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local openAt = tonumber(head[2])
if openAt > now then return {'recovering', math.ceil(openAt - now)} end
local paused = redis.call('PTTL', KEYS[2])
if paused ~= -2 then return {'suspended', paused, redis.call('GET', KEYS[2]) or ''} end

local emission, burst = tonumber(ARGV[4]), tonumber(ARGV[5])
local stride = emission > 0 and 2 or 1
local first, last = 1, (#KEYS - 3) / stride
local pinned, generation, endsAt, uses
if ARGV[6] == '1' then
  local pin = redis.call('GET', KEYS[3])
  if pin then pinned, generation, endsAt, uses = string.match(pin, '^(%S+) (%S+) (%S+) (%S+)$') end
  if pinned then
    first = nil
    for index = 1, last do if ARGV[9 + 2 * index] == pinned then first = index end end
    if not first then return {'pinned-elsewhere', pinned, generation} end
    last = first
  elseif ARGV[10] ~= '' then
    -- It was ended by somebody else: who has not heard of that is not to bring it back.
    return {'unpinned'}
  end
end

local soonest = -1
for index = first, last do
  local leases = KEYS[3 + (index - 1) * stride + 1]
  if redis.call('ZCOUNT', leases, '(' .. string.format('%.3f', now), '+inf') < tonumber(ARGV[10 + 2 * index]) then
    local opens, arrival = now, now
    if emission > 0 then
      arrival = math.max(now, tonumber(redis.call('GET', KEYS[3 + index * 2])) or 0)
      opens = arrival - burst
      if opens > now and (soonest < 0 or opens - now < soonest) then soonest = opens - now end
    end
    if opens <= now then
      redis.call('ZREMRANGEBYSCORE', leases, '-inf', string.format('%.3f', now))
      redis.call('ZADD', leases, string.format('%.3f', now + tonumber(ARGV[3])), ARGV[2])
      redis.call('PEXPIRE', leases, 120000)
      if emission > 0 then
        local next = arrival + emission
        redis.call('SET', KEYS[3 + index * 2], string.format('%.3f', next), 'PX', math.ceil(next - now) + 1)
      end
      if ARGV[6] ~= '1' then return {'ok', index, 'none', '0'} end
      local kind = 'kept'
      if not pinned then
        kind, pinned, uses = 'new', ARGV[9 + 2 * index], ARGV[9]
        -- Above every one before it, and it tells when that was.
        generation = string.format('%.0f', math.max(now * 100, (tonumber(redis.call('HGET', KEYS[1], 'gen')) or 0) + 1))
        redis.call('HSET', KEYS[1], 'gen', generation)
        endsAt = ARGV[8] == '-1' and '-1' or string.format('%.3f', now + tonumber(ARGV[8]))
      end
      local left = tonumber(uses)
      if left > 0 then left = left - 1 end
      local life = tonumber(ARGV[7])
      if endsAt ~= '-1' and (life < 0 or tonumber(endsAt) - now < life) then life = tonumber(endsAt) - now end
      if left == 0 or (life >= 0 and life < 1) then
        redis.call('DEL', KEYS[3])
      else
        local pin = pinned .. ' ' .. generation .. ' ' .. endsAt .. ' ' .. left
        if life < 0 then redis.call('SET', KEYS[3], pin) else redis.call('SET', KEYS[3], pin, 'PX', math.ceil(life)) end
      end
      return {'ok', index, kind, generation}
    end
  end
end
return {'busy', math.ceil(soonest)}
`;
