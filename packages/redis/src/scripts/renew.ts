/** Prolongs leases that are still there. */
export const RENEW = `
-- KEYS  1 m   then l:<endpoint> of each lease
-- ARGV  1 epoch   2 lease ttl   then each lease
-- result  {'ok', '1' or '0' of each: kept, or lost}   {'epoch', the present one}
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch ~= ARGV[1] then return {'epoch', epoch or ''} end
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local result = {'ok'}
for index = 2, #KEYS do
  local lease = ARGV[index + 1]
  local expiry = redis.call('ZSCORE', KEYS[index], lease)
  local alive = expiry and tonumber(expiry) > now
  if alive then
    redis.call('ZADD', KEYS[index], 'XX', string.format('%.3f', now + tonumber(ARGV[2])), lease)
    redis.call('PEXPIRE', KEYS[index], 120000)
  end
  result[index] = alive and '1' or '0'
end
return result
`;
