-- Counters of all instances, by the rules of src/limits/gcra.ts and src/limits/amount.ts. One call is one step: nothing of
-- another caller happens in between. KEYS: members, instances, epoch, what the session holds, then one for each item.
-- ARGV: what to do, the session, then what that needs; each item is six words.
local PREFIX = '{sallyport}:'
-- Times count from here, so that fractions of 1/16384 ms stay exact in a double (2026-01-01).
local SINCE_MS = 1767225600000
-- A session that was not heard of for so long is dead, and what it holds comes back.
local DEAD_MS = 5000
-- How soon a new one has to give its first sign.
local FIRST_BEAT_MS = 3000
-- How long what is held is remembered without a word of its session, which tells everything anew far sooner.
local HOLD_TTL_MS = 3600000
-- How long it is remembered who holds what: longer than any window of a budget, else what a dead one has set aside of it
-- would stay so where nobody was left to give it back.
local MEMBER_TTL_MS = 3456000000
-- After all was lost: the time in which every session can tell what it knows, before anything is let in.
local OPENS_AFTER_MS = 1500
-- How long after its end a window still counts for those whose own is an earlier one (amount.ts).
local GRACE_MS = 600000
local ENDED_TTL_S = 120
-- Of those whose time lies ahead, in each call: none may take long.
local AHEAD_AT_ONCE = 50
-- Who was found dead may come back with a journal, and must not tell again what has arrived.
local DEAD_TTL_S = 86400
-- What is left has to be more than that many leases of every session.
local LEASE_SHARE = 8
-- Fewer units of a rate are not worth a lease: what drains of it while it waits would be most of it.
local LEAST_LEASE = 4
-- Running requests end at any moment (ask-standing.ts).
local FULL_RETRY_MS = 1000
local MOST_UNITS = 9007199254740991
local WORDS = 6

-- Those of the call that runs.
local KEYS_, ARGV_

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 - SINCE_MS + math.floor(time[2] / 1000)
end

local function text(value)
  return string.format('%.17g', value)
end

-- The time of one that has to give a sign soon, and is not heard of until it does.
local function unheard(now)
  return text(now - DEAD_MS + FIRST_BEAT_MS)
end

-- What was stored as a number; nil of what we have not written: other text, NaN, what is not counted exactly.
local function number(stored)
  local value = tonumber(stored)
  if value and math.abs(value) <= MOST_UNITS then return value end
end

-- A command on a key of ours. One of another type was not written by us, and would fail each call that meets it, of all instances:
-- it is deleted, and what it counted is lost. Other errors are raised.
local function ours(command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  if string.find(reply.err, 'WRONGTYPE', 1, true) then redis.call('DEL', key) end
  return redis.call(command, key, ...)
end

-- The cells that this call has read, by their keys; written back at the end, or not at all.
local function open_cells(now)
  local cells, order = {}, {}
  local self = {}

  function self.get(key, kind)
    local cell = cells[key]
    if cell then return cell end
    cell = { key = key, kind = kind }
    local stored = ours('GET', key)
    if kind == 'r' then
      cell.tat = number(stored)
    elseif kind == 'c' then
      cell.count = number(stored) or 0
    else
      local used, since, reserved, ends
      if stored then used, since, reserved, ends = string.match(stored, '^(%S+) (%S+) (%S+) (%S+)$') end
      cell.used, cell.since, cell.reserved = tonumber(used or 0), tonumber(since or 0), tonumber(reserved or 0)
      cell.ends = tonumber(ends or 0)
      if not (number(cell.used) and number(cell.since) and number(cell.reserved) and number(cell.ends)) then
        cell.used, cell.since, cell.reserved, cell.ends = 0, 0, 0, 0
      end
    end
    cells[key] = cell
    order[#order + 1] = cell
    return cell
  end

  local function put(cell, value, ttl)
    if ttl <= 0 then redis.call('DEL', cell.key)
    else redis.call('SET', cell.key, value, 'PX', string.format('%.0f', math.ceil(math.min(ttl, MEMBER_TTL_MS)) + 1)) end
  end

  function self.write()
    for _, cell in ipairs(order) do
      if cell.changed then
        if cell.kind == 'r' then
          put(cell, text(cell.tat), cell.tat - now)
        elseif cell.kind == 'c' then
          put(cell, text(cell.count), cell.count > 0 and HOLD_TTL_MS or 0)
        else
          local ttl = cell.reserved > 0 and math.max(HOLD_TTL_MS, cell.ttl) or cell.ttl
          local words = { text(cell.used), text(cell.since), text(cell.reserved), text(cell.ends) }
          put(cell, table.concat(words, ' '), ttl)
        end
      end
    end
  end

  return self
end

-- An item as it was sent: kind, two numbers of its own, then what bounds it.
local function item_at(index, at)
  return {
    kind = ARGV_[at],
    key = KEYS_[4 + index],
    first = tonumber(ARGV_[at + 1]),
    second = tonumber(ARGV_[at + 2]),
    p1 = tonumber(ARGV_[at + 3]),
    p2 = tonumber(ARGV_[at + 4]),
    p3 = tonumber(ARGV_[at + 5]),
  }
end

local function start_of_rate(cell, item, now)
  local start = math.max(cell.tat or now, now)
  local whole = item.p1 * item.p2
  -- A time far ahead was made by a tighter rate, or by a clock that was wrong: there is room for what is asked (arrivalAt).
  if start > now + 2 * whole then start = now + whole - item.first * item.p1 end
  return start
end

-- The cell of an amount as it is now: drained, or in the window that has begun (amountAt). The latest window that anybody has
-- opened is that of all until it is over by the time of this server: those who call have clocks that differ.
-- What began in an older window opens it for nobody, else what others have used since would be forgotten.
local function bring_up(cell, item, now, is_old)
  if item.kind == 'a' then
    local drained = math.max(0, now - cell.since) * item.p1 / item.p2
    cell.used = math.max(0, cell.used - drained)
    cell.since = now
    return
  end
  local first = item.p2
  if cell.since > first and (is_old or now < cell.ends + GRACE_MS) then return end
  if cell.since ~= first then cell.used, cell.since, cell.ends = 0, first, 0 end
  -- Only who asks says when it ends: what is told of it late, by whatever clock, must not have it forgotten.
  cell.ends = is_old and math.max(cell.ends, now + item.p3) or now + math.max(item.p3, 1)
end

local function keep_amount(cell, item, now)
  cell.changed = true
  if item.kind == 'a' then
    cell.ttl = cell.used * item.p2 / item.p1
  else
    cell.ttl = cell.used > 0 and cell.ends - now + GRACE_MS or 0
  end
end

local function room_in(cell, item)
  return math.max(0, math.floor(item.p1 - cell.used - cell.reserved))
end

-- What the session holds, by the end of the counter's key.
local function held(held_key, cell)
  return number(ours('HGET', held_key, string.sub(cell.key, #PREFIX + 1))) or 0
end

local function hold(held_key, cell, units)
  local field, left = string.sub(cell.key, #PREFIX + 1), held(held_key, cell) + units
  if left > 0 then redis.call('HSET', held_key, field, text(left)) else redis.call('HDEL', held_key, field) end
end

-- Takes one item. What it came to, whether it was let in, and what is held of it.
local function take(cell, item, now, members, is_old)
  if item.kind == 'r' then
    local start = start_of_rate(cell, item, now)
    local next = start + item.first * item.p1
    local allowed = next - item.p2 * item.p1
    if allowed > now then return { text(0), text(start - now), text(allowed - now), '0' }, false, 0 end
    local remaining = math.floor((now - allowed) / item.p1)
    local granted = math.min(item.second, math.floor(remaining / (LEASE_SHARE * members)))
    if granted < LEAST_LEASE then granted = 0 end
    cell.tat, cell.changed = next + granted * item.p1, true
    return { text(remaining), text(next - now), '0', text(granted) }, true, 0
  end
  if item.kind == 'c' then
    if cell.count >= item.p1 then return { text(cell.count), '0', '0', '0' }, false, 0 end
    cell.count, cell.changed = cell.count + 1, true
    return { text(cell.count), '0', '0', '0' }, true, 1
  end
  bring_up(cell, item, now, is_old)
  local room = room_in(cell, item)
  if item.first > room then
    local ends_in = item.kind == 'd' and cell.ends - now or 0
    return { text(cell.used), text(cell.since), text(cell.reserved), text(ends_in) }, false, 0
  end
  local granted = math.min(item.second, math.floor((room - item.first) / (LEASE_SHARE * members)))
  if granted < item.first then granted = 0 end
  local reserved = cell.reserved + item.first
  cell.reserved = reserved + granted
  keep_amount(cell, item, now)
  return { text(cell.used), text(cell.since), text(reserved), text(granted) }, true, item.first + granted
end

-- Ends what was taken, or counts what was taken elsewhere; never refused.
local function settle(cell, item, now, held_key)
  if item.kind == 'r' then
    if item.second > 0 then cell.tat = start_of_rate(cell, item, now) + item.second
    elseif cell.tat then cell.tat = cell.tat + item.second
    else return end
    cell.changed = true
    return
  end
  -- Never what others hold; what is less than nothing was taken without asking.
  local back = math.min(item.first, held(held_key, cell))
  if back ~= 0 then hold(held_key, cell, -back) end
  if item.kind == 'c' then
    cell.count, cell.changed = math.max(0, cell.count - back), true
    return
  end
  bring_up(cell, item, now, true)
  local more = item.second
  -- What was counted too much comes back only in the window in which it was counted (amount.ts).
  if more < 0 and item.kind == 'd' and cell.since ~= item.p2 then more = 0 end
  cell.used = math.max(0, math.min(cell.used + more, MOST_UNITS))
  cell.reserved = math.max(0, cell.reserved - back)
  keep_amount(cell, item, now)
end

-- What a session saw last, where the server knows less: it has lost its data, or some of them.
local function recall(cell, item, now)
  if item.kind == 'r' then
    local tat = now + math.min(item.second, 2 * item.p1 * item.p2)
    if tat > (cell.tat or now) then cell.tat, cell.changed = tat, true end
    return
  end
  bring_up(cell, item, now, true)
  if item.kind == 'd' and cell.since ~= item.p2 then return end
  if item.second > cell.used then
    cell.used = math.min(item.second, MOST_UNITS)
    keep_amount(cell, item, now)
  end
end

-- Gives back all that a session holds and forgets it. The number of its last settlement, or -1.
local function reclaim(session, ttl_s)
  local held_key = PREFIX .. 'held:' .. session
  local fields = ours('HGETALL', held_key)
  local seq = -1
  for i = 1, #fields, 2 do
    local field, units = fields[i], number(fields[i + 1]) or 0
    local key, kind = PREFIX .. field, string.sub(field, 1, 2)
    if field == 'seq' then
      seq = number(fields[i + 1]) or -1
    elseif kind == 'c:' then
      local left = (number(ours('GET', key)) or 0) - units
      if left > 0 then redis.call('SET', key, text(left), 'KEEPTTL') else redis.call('DEL', key) end
    elseif kind == 'a:' then
      -- No other: a field that is not ours would have a key deleted that is.
      local before, reserved, ends = string.match(ours('GET', key) or '', '^(%S+ %S+ )(%S+)( %S+)$')
      if number(reserved) then
        redis.call('SET', key, before .. text(math.max(0, tonumber(reserved) - units)) .. ends, 'KEEPTTL')
      end
    end
  end
  redis.call('DEL', held_key)
  ours('ZREM', KEYS_[1], session)
  redis.call('SET', PREFIX .. 'ended:' .. session, text(seq), 'EX', seq < 0 and ENDED_TTL_S or ttl_s)
  return seq
end

-- When calls are let in. Further ahead than that it was written by a clock that was wrong, and would keep all out until the time has
-- come: it is written anew, for what was lost meanwhile may not have been told yet.
local function opens_at(now)
  local opens = number(ours('GET', KEYS_[3])) or now
  if opens <= now + OPENS_AFTER_MS then return opens end
  redis.call('SET', KEYS_[3], text(now + OPENS_AFTER_MS), 'PX', HOLD_TTL_MS)
  return now + OPENS_AFTER_MS
end

-- Whoever was heard of at a time to come was heard of before the clock was put back: one that is dead would hold its places until
-- then.
local function bring_back(key, now)
  local ahead = ours('ZRANGEBYSCORE', key, '(' .. text(now), '+inf', 'LIMIT', 0, AHEAD_AT_ONCE)
  for _, name in ipairs(ahead) do redis.call('ZADD', key, unheard(now), name) end
end

-- Notes that a session lives, and takes one dead one away at most: no call may take long. Tells how many have said so since
-- a time, and so have told what they spent without the server.
local function beat(session, instance, now, since)
  ours('ZADD', KEYS_[2], text(now), instance)
  for i = 1, 2 do bring_back(KEYS_[i], now) end
  redis.call('PEXPIRE', KEYS_[4], MEMBER_TTL_MS)
  redis.call('ZREMRANGEBYSCORE', KEYS_[2], '-inf', text(now - DEAD_MS))
  local dead = redis.call('ZRANGEBYSCORE', KEYS_[1], '-inf', text(now - DEAD_MS), 'LIMIT', 0, 1)
  if dead[1] then reclaim(dead[1], DEAD_TTL_S) end
  for i = 1, 3 do redis.call('PEXPIRE', KEYS_[i], i == 1 and MEMBER_TTL_MS or HOLD_TTL_MS) end
  local opens = opens_at(now)
  local members, instances = redis.call('ZCARD', KEYS_[1]), redis.call('ZCARD', KEYS_[2])
  local heard = redis.call('ZCOUNT', KEYS_[1], text(since), '+inf')
  return { 'ok', text(members), text(instances), text(math.max(0, opens - now)), text(heard) }
end

-- ARGV: session, instance, number of sessions before, these, then pairs of what is held and how much.
local function join(session, now)
  local instance, count = ARGV_[3], tonumber(ARGV_[4])
  -- It was given up before it was read: who sent it goes by another name by now.
  if redis.call('EXISTS', PREFIX .. 'ended:' .. session) == 1 then return { 'gone' } end
  -- Not heard of yet: what it spent without the server comes behind this. First of all, so that it is found dead, and what it has then,
  -- whatever becomes of the rest.
  ours('ZADD', KEYS_[1], unheard(now), session)
  if not number(ours('GET', KEYS_[3])) then redis.call('SET', KEYS_[3], text(now + OPENS_AFTER_MS)) end
  local seq = -1
  for i = 5, 4 + count do
    local known = number(ours('GET', PREFIX .. 'ended:' .. ARGV_[i]))
    seq = math.max(seq, known or reclaim(ARGV_[i], ENDED_TTL_S))
  end
  for i = 5 + count, #ARGV_, 2 do
    local key, units = PREFIX .. ARGV_[i], tonumber(ARGV_[i + 1])
    ours('HSET', KEYS_[4], ARGV_[i], text(units))
    if string.sub(ARGV_[i], 1, 2) == 'c:' then
      redis.call('SET', key, text((number(ours('GET', key)) or 0) + units), 'PX', HOLD_TTL_MS)
    else
      local before, reserved, ends = string.match(ours('GET', key) or '', '^(%S+ %S+ )(%S+)( %S+)$')
      if not number(reserved) then before, reserved, ends = '0 0 ', '0', ' 0' end
      local ttl = math.max(HOLD_TTL_MS, redis.call('PTTL', key))
      redis.call('SET', key, before .. text(reserved + units) .. ends, 'PX', string.format('%.0f', ttl))
    end
  end
  local reply = beat(session, instance, now, now)
  reply[6], reply[7] = text(seq), text(now)
  return reply
end

local function append(reply, words)
  for _, word in ipairs(words) do reply[#reply + 1] = word end
end

-- How long what has refused an item has to be waited for.
local function wait_of(item, cell, now, came_to)
  if item.kind == 'r' then return tonumber(came_to[3]) end
  if item.kind == 'c' then return FULL_RETRY_MS end
  if item.kind == 'd' then
    local is_over = cell.since > item.p2 and cell.ends <= now
    return (is_over and cell.ends + GRACE_MS or cell.ends) - now
  end
  return (math.min(item.first, item.p1) + cell.used + cell.reserved - item.p1) * item.p2 / item.p1
end

-- All items or none. Of those that have no room it tells which has to be waited for longest.
local function spend(now)
  local members = ours('ZCARD', KEYS_[1])
  local cells, reply, holds = open_cells(now), { 'ok' }, {}
  local refusal, longest
  for index = 1, (#ARGV_ - 2) / WORDS do
    local item = item_at(index, 3 + (index - 1) * WORDS)
    local cell = cells.get(item.key, item.kind)
    local came_to, conforms, units = take(cell, item, now, members)
    if conforms then
      append(reply, came_to)
      if units > 0 then holds[#holds + 1] = { cell, units } end
    else
      local wait = wait_of(item, cell, now, came_to)
      if not refusal or wait > longest then
        refusal, longest = { 'refused', text(index - 1) }, wait
        append(refusal, came_to)
      end
    end
  end
  if refusal then return refusal end
  cells.write()
  for _, one in ipairs(holds) do hold(KEYS_[4], one[1], one[2]) end
  return reply
end

-- Each item for itself: what has room is taken, though others have none.
local function extend(now)
  local cells, reply = open_cells(now), { 'ok' }
  for index = 1, (#ARGV_ - 2) / WORDS do
    local item = item_at(index, 3 + (index - 1) * WORDS)
    local cell = cells.get(item.key, item.kind)
    local came_to, conforms, units = take(cell, item, now, 1, true)
    came_to[4] = conforms and '1' or '0'
    append(reply, came_to)
    if units > 0 then hold(KEYS_[4], cell, units) end
  end
  cells.write()
  return reply
end

local function settle_all(now)
  local seq = tonumber(ARGV_[3])
  if seq <= (number(ours('HGET', KEYS_[4], 'seq')) or -1) then return { 'ok' } end
  local cells, reply = open_cells(now), { 'ok' }
  for index = 1, (#ARGV_ - 3) / WORDS do
    local item = item_at(index, 4 + (index - 1) * WORDS)
    local cell = cells.get(item.key, item.kind)
    settle(cell, item, now, KEYS_[4])
    append(reply, { text(cell.used or 0), text(cell.since or 0), text(cell.reserved or 0), '0' })
  end
  cells.write()
  ours('HSET', KEYS_[4], 'seq', text(seq))
  return reply
end

local function recall_all(now)
  local cells = open_cells(now)
  for index = 1, (#ARGV_ - 2) / WORDS do
    local item = item_at(index, 3 + (index - 1) * WORDS)
    recall(cells.get(item.key, item.kind), item, now)
  end
  cells.write()
  return { 'ok' }
end

-- How full each item is, without taking anything.
local function peek(now)
  local cells, reply = open_cells(now), { 'ok' }
  for index = 1, (#ARGV_ - 2) / WORDS do
    local item = item_at(index, 3 + (index - 1) * WORDS)
    local cell = cells.get(item.key, item.kind)
    item.first = 1
    if item.kind == 'r' then append(reply, { '0', text(start_of_rate(cell, item, now) - now), '0', '0' })
    elseif item.kind == 'c' then append(reply, { text(cell.count), '0', '0', '0' })
    else
      bring_up(cell, item, now)
      append(reply, { text(cell.used), text(cell.since), text(cell.reserved), '0' })
    end
  end
  return reply
end

local function run(keys, args)
  KEYS_, ARGV_ = keys, args
  local op, session, now = args[1], args[2], now_ms()
  if op == 'join' then return join(session, now) end
  if not ours('ZSCORE', keys[1], session) then return { 'gone' } end
  if op == 'beat' then
    redis.call('ZADD', keys[1], text(now), session)
    return beat(session, args[3], now, tonumber(args[4]))
  end
  if op == 'settle' then return settle_all(now) end
  if op == 'recall' then
    -- However much it has to tell before its first sign, it is not dead meanwhile.
    redis.call('ZADD', keys[1], unheard(now), session)
    return recall_all(now)
  end
  if op == 'extend' then return extend(now) end
  if op == 'peek' then return peek(now) end
  if op == 'touch' then
    for i = 5, #keys do
      if redis.call('PTTL', keys[i]) < HOLD_TTL_MS then redis.call('PEXPIRE', keys[i], HOLD_TTL_MS) end
    end
    return { 'ok' }
  end
  if op == 'leave' then
    reclaim(session, ENDED_TTL_S)
    return { 'ok' }
  end
  local opens = opens_at(now)
  if opens > now then return { 'closed', text(opens - now) } end
  return spend(now)
end
