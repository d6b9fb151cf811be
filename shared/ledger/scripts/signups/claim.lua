-- Claims the next due sign-up for a lane, unless a hold, the quota, another account's turn or the
-- pace forbids it. A lane that asks again while its claim is open gets the same one, with a new
-- slot.
--
-- KEY account  prefix of the account's keys
-- ARG lane  text  unique name of the lane
-- ARG lease  milliseconds  how long the claim lasts
-- ARG requests_per_second  number  what the API key allows
-- ARG deliveries_per_day  number  what the API key allows for deliveries
-- ARG lookahead  microseconds  how far ahead a slot may lie
-- ARG jitter  number  in [0, 1)
-- ARG lead  microseconds  how long this answer takes to arrive
-- LIMIT TURN_PATIENCE  microseconds
-- LIMIT RETRY_FIRST_EVERY  number
-- LIMIT REPLAY_FIRST_EVERY  number
-- LIMIT MOST_LOST  number
-- LIMIT LONGEST_GRANT  microseconds
-- INCLUDE clock account holds lines pace settle
--
-- Returns one of
--   {"claimed", id, claim number, us until its slot, 1 when more is due, age in ms since it was
--    received or requeued without the time on hold, ms since it was received in all, the version
--    of the account's tokens or 0 without any, what sending needs of the record}
--   {"wait", ms}       for the pace or another account's turn
--   {"hold", reason}
--   {"dry"}            nothing is due

local TURNS, PROMISES = api_key .. "turns", api_key .. "turns:promised"

local function leave_turns()
  redis.call("ZREM", TURNS, account)
  redis.call("HDEL", PROMISES, account)
end

-- This lane's own open claim, if it has one.
local function open_claim()
  local id = redis.call("GET", account .. "lane:" .. lane)
  if id and redis.call("HGET", signup(id), "lane") == lane then
    return id
  end
end

-- Fresh sign-ups come first, but some claims prefer a retry, so that neither waits behind ten
-- thousand of the other. Replays come when nothing else is due, but a few claims prefer them, so
-- that a site that is never quiet does not keep them for ever.
local function choose()
  local number = tonumber(redis.call("GET", account .. "claims") or 0) + 1
  local order = number % REPLAY_FIRST_EVERY == 0 and { "replay", "fresh", "retry" }
    or number % RETRY_FIRST_EVERY == 0 and { "retry", "fresh", "replay" }
    or { "fresh", "retry", "replay" }
  for _, queue in ipairs(order) do
    local id = first_due(queue)
    if id then
      return id
    end
  end
end

-- Accounts of one key take turns: the one that has waited longest goes first. Returns the ms to
-- wait for another account's turn, or nil.
local function others_turn()
  while true do
    local head = redis.call("ZRANGE", TURNS, 0, 0)[1]
    if not head or head == account then
      return nil
    end
    local promised = unless_beyond(LONGEST_GRANT, redis.call("HGET", PROMISES, head))
    local late = now_us - promised
    if late <= TURN_PATIENCE then
      return math.max(1, math.ceil((TURN_PATIENCE - late) / 1000 / 4))
    end
    redis.call("ZREM", TURNS, head)
    redis.call("HDEL", PROMISES, head)
  end
end

local function wait_for_turn(ms)
  redis.call("ZADD", TURNS, "NX", text(now_us), account)
  redis.call("HSET", PROMISES, account, text(now_us + ms * 1000))
  return { "wait", ms }
end

local function new_number(id)
  local record = redis.call("HMGET", signup(id), "state", "queue")
  if record[1] == "delivering" then
    count_lost(id, "claim lost") -- it ran out, so the lane that had it is gone
  else
    local due_at = redis.call("ZSCORE", due_set(record[2]), id)
    redis.call("HSET", signup(id), "state_before", record[1], "due_before", due_at)
  end
  local number = redis.call("INCR", account .. "claims")
  redis.call("HSET", signup(id), "state", "delivering", "claim", text(number), "lane", lane)
  return text(number)
end

-- Whether this claim ran out, and was the last that the sign-up may lose.
local function is_poison(id)
  local record = redis.call("HMGET", signup(id), "state", "lost")
  return record[1] == "delivering" and tonumber(record[2]) + 1 >= MOST_LOST
end

-- Returns the sign-up that is due next. One that has ended its worker too often becomes a dead
-- letter first.
local function choose_healthy()
  local id = choose()
  while id and is_poison(id) do
    close_claim(id)
    count_lost(id, "claim lost")
    poison(id, "it ended or hung while it sent the sign-up")
    id = choose()
  end
  return id
end

local mine = open_claim()
local reason, probed = forbidding_hold(mine and redis.call("HGET", signup(mine), "probe"))
update_clock(account)
if reason then
  leave_turns()
  return { "hold", reason }
end

local id = mine or choose_healthy()
if not id then
  leave_turns()
  redis.call("DEL", account .. "nudged")
  return { "dry" }
end

if used_today() >= deliveries_per_day then
  begin_hold(api_key, "quota", { ["until"] = next_midnight(jitter), by = "count", note = "" })
  leave_turns()
  return { "hold", "quota" }
end

local spacing = spacing_us(requests_per_second)
local earliest = now_us + lead
local slot = next_slot(spacing, earliest)
if slot > earliest + lookahead then
  return wait_for_turn(math.max(1, math.floor((slot - earliest - lookahead / 2) / 1000)))
end
local turn_wait = others_turn()
if turn_wait then
  return wait_for_turn(turn_wait)
end

-- First what needs memory: a full server refuses a script only before its first write.
take_slot(slot, spacing)
leave_turns()
local number = mine and redis.call("HGET", signup(id), "claim") or new_number(id)
if not mine then
  redis.call("HSET", signup(id), "probe", take_probes(probed, lease))
end
redis.call("ZADD", due_set(redis.call("HGET", signup(id), "queue")), text(now + lease), id)
redis.call("SET", account .. "lane:" .. lane, id, "PX", lease)

local record = redis.call(
  "HMGET", signup(id),
  "attempts", "lost", "received_at", "contact", "lists", "unsubscribed", "probe"
)
local marks = redis.call("HMGET", signup(id), "received_at", "requeued_at", "held_mark")
local age = now - tonumber(marks[2] or marks[1]) - (held_time() - tonumber(marks[3]))
local waited = now - tonumber(marks[1])
-- So that a process can tell whether the token that it has in memory is still the stored one.
local tokens = redis.call("HMGET", account .. "tokens", "access", "version")
local version = tokens[1] and tonumber(tokens[2]) or 0
return {
  "claimed", id, number, slot - now_us, choose() and 1 or 0, age, waited, version, record,
}
