/**
 * Begins a new epoch, unless another worker already has: nobody is admitted anywhere until the grace is over, so that
 * everyone who holds a lease has the time to say so. It is begun by the terms of whoever is there first.
 */
export const RECOVER = `
-- KEYS  1 m   2 w
-- ARGV  1 the epoch this worker knew, or nothing   2 grace ms   3 the terms it works by: the last word is the lease ttl
--       4 '1' where what was there may be lost
-- result  {epoch, ms until admissions open, the terms that hold, the epoch in which data was last lost}
local head = redis.call('HMGET', KEYS[1], 'epoch', 'openAt', 'gen', 'terms', 'data')
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local epoch, openAt, terms, data = head[1], tonumber(head[2]) or 0, head[4], head[5]
if terms and terms ~= ARGV[3] then
  -- Not before those who work by them are gone.
  local last = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
  local silence = math.max(3000, 3 * (tonumber(string.match(terms, '%d+$')) or 0))
  if last and now - tonumber(last) < silence then return {epoch or '', 0, terms, data or ''} end
  terms = false
end
if not epoch or not terms or epoch == ARGV[1] or ARGV[1] == '' then
  local isLost = not epoch or not terms or not data or ARGV[4] == '1'
  -- Above every epoch before it, also of those that are forgotten; generations go on above every one before them.
  epoch = string.format('%.0f', math.max(now * 1000, (tonumber(epoch) or 0) + 1, (tonumber(ARGV[1]) or 0) + 1))
  openAt = now + tonumber(ARGV[2])
  if isLost then data = epoch end
  local gen = string.format('%.0f', math.max(tonumber(head[3]) or 0, now * 100))
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'openAt', string.format('%.3f', openAt), 'gen', gen, 'terms', ARGV[3],
    'data', data)
end
return {epoch, math.max(0, math.ceil(openAt - now)), ARGV[3], data}
`;
