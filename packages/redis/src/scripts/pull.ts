/** What others have pushed since the worker last asked, and who they are. */
export const PULL = `
-- KEYS  1 m   2 hv   3 w
-- ARGV  1 worker   2 the last entry it has seen   3 most entries   4 ms after which a silent worker counts as gone
-- result  {epoch or '', ms until admissions open, last entry, '1' where entries were missed, {workers}, {age ms, batch, …},
--         how many entries were read}
local head = redis.call('HMGET', KEYS[1], 'epoch', 'openAt')
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
redis.call('ZADD', KEYS[3], string.format('%.3f', now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', string.format('%.3f', now - tonumber(ARGV[4])))
local last, missed, batches, read = ARGV[2], '0', {}, 0
local oldest = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
-- The feed was cut beyond what this worker had read; 0 is one that was empty when it came.
if oldest and redis.call('XLEN', KEYS[2]) >= 4000 then
  local mine, cut = string.match(last, '^%d+'), string.match(oldest[1], '^%d+')
  if tonumber(cut) > tonumber(mine) then missed = '1' end
end
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '(' .. last, '+', 'COUNT', ARGV[3])) do
  last, read = entry[1], read + 1
  if entry[2][2] ~= ARGV[1] then
    batches[#batches + 1] = math.max(0, math.floor(now - tonumber(string.match(last, '^%d+'))))
    batches[#batches + 1] = entry[2][4]
  end
end
return {head[1] or '', math.max(0, math.ceil((tonumber(head[2]) or 0) - now)), last, missed,
  redis.call('ZRANGE', KEYS[3], 0, -1), batches, read}
`;
