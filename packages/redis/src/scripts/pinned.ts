/** Which exits sessions have: what others told of them may be in another order than what came to pass. */
export const PINNED = `
-- KEYS  b:<session> of each
-- result  of each {endpoint, generation, ms until it ends unused | -1, ms until it ends in any case | -1, uses | -1},
--         or {} where it has none
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local result = {}
for index = 1, #KEYS do
  local pin = redis.call('GET', KEYS[index])
  local endpoint, generation, endsAt, uses
  if pin then endpoint, generation, endsAt, uses = string.match(pin, '^(%S+) (%S+) (%S+) (%S+)$') end
  result[index] = {}
  if endpoint then
    local left = endsAt == '-1' and -1 or math.max(0, math.ceil(tonumber(endsAt) - now))
    result[index] = {endpoint, generation, redis.call('PTTL', KEYS[index]), left, uses}
  end
end
return result
`;
