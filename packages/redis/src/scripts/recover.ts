/**
 * Begins a new epoch, unless another worker already has: nobody is admitted anywhere until the grace is over, so that
 * everyone who holds a lease has the time to say so.
 */
export const RECOVER = `
-- KEYS  1 m
-- ARGV  1 the epoch this worker knew, or nothing   2 grace ms
-- result  {epoch, ms until admissions open}
local head = redis.call('HMGET', KEYS[1], 'epoch', 'openAt', 'gen')
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local epoch, openAt = head[1], tonumber(head[2]) or 0
if not epoch or epoch == ARGV[1] or ARGV[1] == '' then
  -- Above every epoch before it, also of those that are forgotten; generations go on above every one before them.
  epoch = string.format('%.0f', math.max(now * 1000, (tonumber(epoch) or 0) + 1, (tonumber(ARGV[1]) or 0) + 1))
  openAt = now + tonumber(ARGV[2])
  local gen = string.format('%.0f', math.max(tonumber(head[3]) or 0, now * 100))
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'openAt', string.format('%.3f', openAt), 'gen', gen)
end
return {epoch, math.max(0, math.ceil(openAt - now))}
`;
