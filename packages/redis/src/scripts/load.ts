/** Reads what is kept of endpoints, or the other records, a portion at a time. */
export const LOAD = `
-- KEYS  1 hv   2 h:<bucket> or h:x
-- ARGV  1 cursor   2 most
-- result  {next cursor, last entry of the feed, then of each endpoint: name, attempts, success, failure, age ms, latency,
--         limit, spells, misses, flags, active, cool ms; or of each other record: name, age ms, the record}
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local found = redis.call('HSCAN', KEYS[2], ARGV[1], 'COUNT', ARGV[2])
local result = {found[1], newest and newest[1] or '0'}
local others = string.sub(KEYS[2], -1) == 'x'
for index = 1, #found[2], 2 do
  local name, value = found[2][index], found[2][index + 1]
  if others then
    local good, since, record = string.match(value, '^(%d+) (%d+) (.*)$')
    if good and tonumber(good) > now then
      result[#result + 1] = name
      result[#result + 1] = string.format('%.0f', now - tonumber(since))
      result[#result + 1] = record
    end
  elseif #value == 40 then
    local attempts, success, failure, since, latency, limit, spells, misses, flags, active, cool =
      struct.unpack('<I4ffdffBBBBd', value)
    local values = {attempts, success, failure, now - since, latency, limit, spells, misses, flags, active,
      math.max(0, cool - now)}
    result[#result + 1] = name
    for _, number in ipairs(values) do result[#result + 1] = string.format('%.3f', number) end
  end
end
return result
`;
