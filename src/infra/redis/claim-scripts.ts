import { appendLua } from './redis-ledger.ts';
import { createScript } from './script.ts';

// A claim is one hash, so that each script uses one key and therefore one slot. Where entries of the ledger go along,
// its stream is a second key, which is never so in a cluster. Fields: s state, f
// fingerprint, r record (sealed), o owner, n fence, e effect, u until, by Redis' clock. Lua's numbers are
// doubles: milliseconds and microseconds since 1970 fit without loss.

const clock = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** Sets `isMine` to true for the holder of the claim. ARGV: 1 owner, 2 fence. */
const mine = `
local held = redis.call('HMGET', KEYS[1], 's', 'u', 'o', 'n')
local isMine = held[3] == ARGV[1] and held[4] == ARGV[2]
`;

/**
 * ARGV: fingerprint, record, owner, effect, lease in ms. Returns the state, and the fence or the record.
 */
export const takeClaim = createScript(`${clock}
local found = redis.call('HMGET', KEYS[1], 's', 'f', 'r', 'e', 'u')
local state = found[1]
if not state or (state == 'claimed' and tonumber(found[5]) <= now) then
  local fence = string.format('%.0f', time[1] * 1000000 + time[2])
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 's', 'claimed', 'f', ARGV[1], 'r', ARGV[2], 'o', ARGV[3],
    'n', fence, 'e', ARGV[4], 'u', now + ARGV[5])
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
  return {'won', fence}
end
if found[2] ~= ARGV[1] then return {'mismatch', ''} end
if state == 'started' and tonumber(found[5]) <= now then
  if found[4] == 'may_charge' then
    redis.call('HSET', KEYS[1], 's', 'unknown')
    return {'unknown', found[3]}
  end
  redis.call('DEL', KEYS[1])
  return {'lapsed', found[3]}
end
return {state, found[3]}
`);

/** ARGV: owner, fence, expected state, time limit for the response in ms, retention in ms; entries. */
export const startClaim = createScript(`${appendLua}${clock}${mine}
if not isMine or held[1] ~= ARGV[3] or tonumber(held[2]) <= now then return 0 end
redis.call('HSET', KEYS[1], 's', 'started', 'u', now + ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
if KEYS[2] then append(KEYS[2], 6) end
return 1
`);

/**
 * ARGV: owner, fence, state, retention in ms; entries. They are appended once for each state: the step is repeated if only
 * its reply was lost, and another request may have found the claim unknown before.
 */
export const settleClaim = createScript(`${appendLua}${mine}
local function tell()
  if KEYS[2] and redis.call('HSETNX', KEYS[1], 'told:' .. ARGV[3], '1') == 1 then
    append(KEYS[2], 5)
  end
end
if isMine and held[1] == ARGV[3] then
  tell()
  return 1
end
if not isMine or (held[1] ~= 'started' and held[1] ~= 'unknown') then return 0 end
redis.call('HSET', KEYS[1], 's', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
tell()
return 1
`);

/** ARGV: owner, fence, retention in ms. */
export const adoptClaim = createScript(`${mine}
if isMine and held[1] == 'done' then return 1 end
if not isMine or held[1] ~= 'claimed' then return 0 end
redis.call('HSET', KEYS[1], 's', 'done')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
`);

/** ARGV: owner, fence; entries. */
export const releaseClaim = createScript(`${appendLua}${mine}
if not isMine or held[1] == 'done' then return 0 end
redis.call('DEL', KEYS[1])
if KEYS[2] then append(KEYS[2], 3) end
return 1
`);
