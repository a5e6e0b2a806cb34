/** Adds a batch of soft records, once for each number a worker gives it, and tells the others. */
export const PUSH = `
-- KEYS  1 m   2 q   3 hv   4 h:x   5 w   then h:<bucket> of each endpoint record
-- ARGV  1 epoch   2 worker   3 sequence   4 time constant of the masses, ms   5 the batch as the others are to read it
--       6 how many other records, then of each: name, ms it is good for, the record
--       then of each endpoint record: name, attempts, success, failure, latency, limit, spells, misses, flags, active, cool ms
-- result  {'ok'}   {'known'}   {'epoch', the present one}
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch ~= ARGV[1] then return {'epoch', epoch or ''} end
if tonumber(redis.call('HGET', KEYS[2], ARGV[2]) or 0) >= tonumber(ARGV[3]) then return {'known'} end
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
if redis.call('HLEN', KEYS[2]) > 1000 then
  -- Workers come and go; of one that is gone nothing can come twice.
  for _, worker in ipairs(redis.call('HKEYS', KEYS[2])) do
    if worker ~= ARGV[2] and not redis.call('ZSCORE', KEYS[5], worker) then redis.call('HDEL', KEYS[2], worker) end
  end
end
redis.call('XADD', KEYS[3], 'MAXLEN', '~', 4000, '*', 'w', ARGV[2], 'd', ARGV[5])
local at = 7
for _ = 1, tonumber(ARGV[6]) do
  local name, life, record = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2]
  if life <= 0 then
    redis.call('HDEL', KEYS[4], name)
  else
    redis.call('HSET', KEYS[4], name, string.format('%.0f', now + life) .. ' ' .. string.format('%.0f', now) .. ' ' .. record)
  end
  at = at + 3
end
if redis.call('HLEN', KEYS[4]) > 0 then
  -- What has ended is swept out a few at a time.
  local some = redis.call('HRANDFIELD', KEYS[4], 4, 'WITHVALUES')
  for index = 1, #some, 2 do
    if tonumber(string.match(some[index + 1], '^%d+') or 0) < now then redis.call('HDEL', KEYS[4], some[index]) end
  end
end
local form = '<I4ffdffBBBBd'
for index = 6, #KEYS do
  local name = ARGV[at]
  local attempts, success, failure = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local known = redis.call('HGET', KEYS[index], name)
  if known and #known == 40 then
    local a, s, f, since = struct.unpack(form, known)
    local fade = math.exp((since - now) / tonumber(ARGV[4]))
    attempts, success, failure = attempts + a, success + s * fade, failure + f * fade
  end
  local cool = tonumber(ARGV[at + 10])
  redis.call('HSET', KEYS[index], name, struct.pack(form, attempts, success, failure, now, tonumber(ARGV[at + 4]),
    tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6]), tonumber(ARGV[at + 7]), tonumber(ARGV[at + 8]), tonumber(ARGV[at + 9]),
    cool > 0 and now + cool or 0))
  at = at + 11
end
return {'ok'}
`;
