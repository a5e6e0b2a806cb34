/**
 * Says that the store is the one it was. It is loaded last: where it is missing, the server has restarted, failed over or
 * been emptied, and whatever was in it may be gone. It writes, since a store that takes no writes is none; but not for a
 * worker that has other terms than those who share the store.
 */
export const SENTINEL = `
-- KEYS  1 m   2 w
-- ARGV  1 worker   2 ms after which a silent worker counts as gone   3 the terms it works by
-- result  {epoch or '', ms until admissions open, ms since another worker was heard of, -1 where there is none, the terms that
--         hold or '', which server this is: another one may have served meanwhile, the epoch in which data was last lost}
local head = redis.call('HMGET', KEYS[1], 'epoch', 'openAt', 'terms', 'data')
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local last = redis.call('ZREVRANGE', KEYS[2], 0, 1, 'WITHSCORES')
local freshest = last[2]
if last[1] == ARGV[1] then freshest = last[4] end
local silent = freshest and math.max(0, math.floor(now - tonumber(freshest))) or -1
if not head[3] or head[3] == ARGV[3] then
  redis.call('ZADD', KEYS[2], string.format('%.3f', now), ARGV[1])
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.3f', now - tonumber(ARGV[2])))
end
-- Where the account may not ask, it is taken on trust.
local info = redis.pcall('INFO')
info = type(info) == 'string' and info or ''
local server = (string.match(info, 'run_id:(%w+)') or '') .. ' ' .. (string.match(info, 'master_replid:(%w+)') or '')
return {head[1] or '', math.max(0, math.ceil((tonumber(head[2]) or 0) - now)), silent, head[3] or '', server, head[4] or ''}
`;
