/** How long a target is paused: what others told of it may be in another order than what came to pass. */
export const PAUSED = `
-- KEYS  1 t:<target>
-- result  {ms, why}, where ms is -1 until somebody resumes it and 0 where it is not paused
local left = redis.call('PTTL', KEYS[1])
if left == -2 then return {0, ''} end
return {left, redis.call('GET', KEYS[1]) or ''}
`;
