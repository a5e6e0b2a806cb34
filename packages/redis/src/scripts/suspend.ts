/** Pauses a target for everyone; a suspension that lasts longer stays. */
export const SUSPEND = `
-- KEYS  1 t:<target>
-- ARGV  1 ms, -1 is until somebody resumes it, 0 resumes it   2 why
-- result  'ok'
if ARGV[1] == '0' then
  redis.call('DEL', KEYS[1])
elseif ARGV[1] == '-1' then
  redis.call('SET', KEYS[1], ARGV[2])
else
  local known = redis.call('PTTL', KEYS[1])
  if known ~= -1 and tonumber(ARGV[1]) > known then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[1]) end
end
return 'ok'
`;
