-- What instances hold, by the rules of src/directory/shared-holds.ts. One call is one step.
-- KEYS: entries (key -> text), order (key -> number of arrival), gone (key -> version, of those that are released), and what is
-- known of all of them: epoch, seq (arrivals), top (the highest version), floor (the highest version that was forgotten).
-- An entry is `VERSION STATE WEIGHT BODY`: h or r, held by an operator or a rule (o or r), and what only the instances read.
local MOST = 1000
-- Of those that are released, beside them. Younger ones are not forgotten for others: not all instances have heard of them.
local MOST_GONE = 1000
-- An instance of before has one bound for both.
local SLACK = 400
local YOUNG_MS = 600000
local PAGE = 100
local KEPT_MS = 86400000
-- What we write is far below.
local MOST_BYTES = 16384
-- As far as clocks are ever wrong, as in holds.ts.
local AHEAD_MS = 315360000000
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
  return tonumber(redis.call('HGET', KEYS_[4], name) or 0) or 0
end

local function entry_of(key)
  if redis.call('HSTRLEN', KEYS_[1], key) > MOST_BYTES then return nil end
  local entry = redis.call('HGET', KEYS_[1], key) or ''
  local version, state, weight = string.match(entry, '^(%d+) ([hr]) ([or]) ')
  if version then return { version = tonumber(version), state = state, weight = weight, text = entry } end
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

-- A part of it was lost, or somebody else has written there: what is left would be taken for all there is, and what comes would not
-- be seen behind arrivals that never were. Then it is lost as a whole, and told again by all who know of it.
local function is_whole(now)
  local count = redis.call('HLEN', KEYS_[1])
  if count ~= redis.call('ZCARD', KEYS_[2]) or redis.call('ZCARD', KEYS_[3]) > count or count > MOST + MOST_GONE + SLACK then return false end
  -- Far ahead of all times, or beyond what is counted exactly: nothing that came would be newer.
  if meta('top') > now + AHEAD_MS or meta('seq') > 2 ^ 52 then return false end
  local first = redis.call('ZRANGE', KEYS_[2], 0, 0, 'WITHSCORES')
  local last = redis.call('ZREVRANGE', KEYS_[2], 0, 0, 'WITHSCORES')
  return not first[1] or (tonumber(first[2]) >= 1 and tonumber(last[2]) <= meta('seq'))
end

local function lose()
  for _, key in ipairs(KEYS_) do redis.call('DEL', key) end
end

-- ARGV: an epoch where there is none yet, the epoch of the look before, the last arrival seen.
local function look(now)
  forget_old(now)
  if not is_whole(now) then lose() end
  redis.call('HSETNX', KEYS_[4], 'epoch', ARGV_[2])
  local epoch = redis.call('HGET', KEYS_[4], 'epoch')
  local since = tonumber(ARGV_[4])
  if epoch ~= ARGV_[3] then since = 0 end
  local reply = { 'ok', epoch, text(now) }
  local found = redis.call('ZRANGEBYSCORE', KEYS_[2], '(' .. text(since), '+inf', 'WITHSCORES', 'LIMIT', 0, PAGE)
  for i = 1, #found, 2 do
    local score = tonumber(found[i + 1])
    local entry = entry_of(found[i])
    if score % 1 ~= 0 or not entry then
      lose()
      return look(now)
    end
    reply[#reply + 1] = found[i]
    reply[#reply + 1] = text(score)
    reply[#reply + 1] = entry.text
  end
  return reply
end

local function has_place(key, state, now)
  local gone = redis.call('ZCARD', KEYS_[3])
  if state == 'h' then
    local there = entry_of(key)
    return (there and there.state == 'h') or redis.call('HLEN', KEYS_[1]) - gone < MOST
  end
  if gone < MOST_GONE or redis.call('ZSCORE', KEYS_[3], key) then return true end
  local oldest = redis.call('ZRANGE', KEYS_[3], 0, 0, 'WITHSCORES')
  if tonumber(oldest[2]) > now - YOUNG_MS then return false end
  forget(oldest[1], tonumber(oldest[2]))
  return true
end

local function put(key, version, state, weight, body, now)
  if not has_place(key, state, now) then return { 'full' } end
  redis.call('HSET', KEYS_[1], key, text(version) .. ' ' .. state .. ' ' .. weight .. ' ' .. body)
  local seq = text(meta('seq') + 1)
  redis.call('HSET', KEYS_[4], 'seq', seq)
  redis.call('ZADD', KEYS_[2], seq, key)
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
    return put(key, version, state, weight, body, now)
  end
  -- Nobody has heard that it was held.
  if not there and state == 'r' and version == 0 then return { 'stale' } end
  if there and state == 'r' then
    if there.state == 'r' then return { 'known', text(there.version) } end
    -- It has been held anew since: whoever released it has not seen that.
    if there.version > version then return { 'stale' } end
  end
  -- An operator who holds it once more means what has happened since: it is newer than a release that has not seen that.
  if there and state == 'h' and there.state == 'h' and weight == 'r' then return { 'known', text(there.version) } end
  return put(key, math.max(meta('top') + 1, known + 1, now), state, weight, body, now)
end

local function run(keys, args)
  KEYS_, ARGV_ = keys, args
  local now = now_ms()
  if args[1] == 'look' then return look(now) end
  return tell(now)
end
