-- What instances hold, by the rules of src/directory/shared-holds.ts. One call is one step.
-- KEYS: entries (key -> text), order (key -> number of arrival), gone (key -> version, of those that are released), and what is
-- known of all of them: epoch, seq (arrivals), top (the highest version), floor (the highest version that was forgotten).
-- An entry is `VERSION STATE WEIGHT BODY`: h or r, held by an operator or a rule (o or r), and what only the instances read.
local MOST = 1000
local PAGE = 100
local KEPT_MS = 86400000
-- Never more at once: no call may take long.
local FORGET = 50

-- Those of the call that runs.
local KEYS_, ARGV_

local function text(number)
  return string.format('%.0f', number)
end

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function meta(name)
  return tonumber(redis.call('HGET', KEYS_[4], name) or 0)
end

local function entry_of(key)
  local version, state, weight = string.match(redis.call('HGET', KEYS_[1], key) or '', '^(%d+) ([hr]) ([or]) ')
  if version then return { version = tonumber(version), state = state, weight = weight } end
end

-- Who was away for longer keeps what it held by itself: below the floor no hold is taken for one that never ended.
local function forget(key, version)
  redis.call('HDEL', KEYS_[1], key)
  redis.call('ZREM', KEYS_[2], key)
  redis.call('ZREM', KEYS_[3], key)
  redis.call('HSET', KEYS_[4], 'floor', text(math.max(meta('floor'), version)))
end

local function forget_old(now)
  local old = redis.call('ZRANGEBYSCORE', KEYS_[3], '-inf', text(now - KEPT_MS), 'WITHSCORES', 'LIMIT', 0, FORGET)
  for i = 1, #old, 2 do forget(old[i], tonumber(old[i + 1])) end
end

-- ARGV: an epoch where there is none yet, the epoch of the look before, the last arrival seen.
local function look(now)
  forget_old(now)
  redis.call('HSETNX', KEYS_[4], 'epoch', ARGV_[2])
  local epoch = redis.call('HGET', KEYS_[4], 'epoch')
  local since = tonumber(ARGV_[4])
  if epoch ~= ARGV_[3] then since = 0 end
  local reply = { 'ok', epoch, text(now), text(since) }
  local found = redis.call('ZRANGEBYSCORE', KEYS_[2], '(' .. text(since), '+inf', 'WITHSCORES', 'LIMIT', 0, PAGE)
  for i = 1, #found, 2 do
    reply[#reply + 1] = found[i]
    reply[#reply + 1] = text(tonumber(found[i + 1]))
    reply[#reply + 1] = redis.call('HGET', KEYS_[1], found[i]) or ''
  end
  return reply
end

local function has_place(key)
  if redis.call('HEXISTS', KEYS_[1], key) == 1 or redis.call('HLEN', KEYS_[1]) < MOST then return true end
  local oldest = redis.call('ZRANGE', KEYS_[3], 0, 0, 'WITHSCORES')
  if not oldest[1] then return false end
  forget(oldest[1], tonumber(oldest[2]))
  return true
end

local function put(key, version, state, weight, body)
  if not has_place(key) then return { 'full' } end
  redis.call('HSET', KEYS_[1], key, text(version) .. ' ' .. state .. ' ' .. weight .. ' ' .. body)
  redis.call('ZADD', KEYS_[2], text(redis.call('HINCRBY', KEYS_[4], 'seq', 1)), key)
  if state == 'r' then redis.call('ZADD', KEYS_[3], text(version), key) else redis.call('ZREM', KEYS_[3], key) end
  redis.call('HSET', KEYS_[4], 'top', text(math.max(meta('top'), version)))
  return { 'told', text(version) }
end

-- ARGV: change or repeat, key, version, the highest one that is known, state, weight, body.
local function tell(now)
  local key, version, known, state, weight, body = ARGV_[2], tonumber(ARGV_[3]), tonumber(ARGV_[4]), ARGV_[5], ARGV_[6], ARGV_[7]
  local there = entry_of(key)
  if ARGV_[1] == 'repeat' then
    -- Of one version that was given twice the hold counts.
    local is_newer = there and (version > there.version or (version == there.version and state == 'h' and there.state == 'r'))
    if there and not is_newer then return { 'known', text(there.version) } end
    if not there and state == 'h' and version <= meta('floor') then return { 'stale' } end
    return put(key, version, state, weight, body)
  end
  -- Nobody has heard that it was held.
  if not there and state == 'r' and version == 0 then return { 'stale' } end
  if there and state == 'r' then
    if there.state == 'r' then return { 'known', text(there.version) } end
    -- It has been held anew since: whoever released it has not seen that.
    if there.version > version then return { 'stale' } end
  end
  if there and state == 'h' and there.state == 'h' and not (weight == 'o' and there.weight == 'r') then
    return { 'known', text(there.version) }
  end
  return put(key, math.max(meta('top') + 1, known + 1, now), state, weight, body)
end

local function run(keys, args)
  KEYS_, ARGV_ = keys, args
  local now = now_ms()
  if args[1] == 'look' then return look(now) end
  return tell(now)
end
