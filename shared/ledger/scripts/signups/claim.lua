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
  if redis.call("ZREM", TURNS, account) == 1 then
    redis.call("HDEL", PROMISES, account)
  end
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
    local id, due_at = first_due(queue)
    if id then
      return id, due_at
    end
  end
end

-- Returns what a claim needs to know of the sign-up, all read at once.
local function read(id, due_at)
  local stored = redis.call(
    "HMGET", signup(id),
    "state", "queue", "lost", "claim", "probe", "received_at", "requeued_at", "held_mark",
    "attempts", "contact", "lists", "unsubscribed"
  )
  return {
    id = id, due_at = due_at, state = stored[1], queue = stored[2], lost = stored[3],
    number = stored[4], probe = stored[5], received_at = stored[6], requeued_at = stored[7],
    held_mark = stored[8], attempts = stored[9], contact = stored[10], lists = stored[11],
    unsubscribed = stored[12],
  }
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

-- Gives the sign-up to this lane, under a new number.
local function begin_claim(record, probe)
  record.number, record.probe = text(redis.call("INCR", account .. "claims")), probe
  if record.state == "delivering" then -- the claim ran out, so the lane that had it is gone
    record.lost = text(count_lost(record.id, "claim lost"))
    redis.call("HSET", signup(record.id), "claim", record.number, "lane", lane, "probe", probe)
  else
    redis.call(
      "HSET", signup(record.id),
      "state_before", record.state, "due_before", record.due_at,
      "state", "delivering", "claim", record.number, "lane", lane, "probe", probe
    )
  end
end

-- Whether this claim ran out, and was the last that the sign-up may lose.
local function is_poison(record)
  return record.state == "delivering" and tonumber(record.lost) + 1 >= MOST_LOST
end

-- Returns the sign-up that is due next. One that has ended its worker too often becomes a dead
-- letter first.
local function choose_healthy()
  while true do
    local id, due_at = choose()
    local record = id and read(id, due_at)
    if not record or not is_poison(record) then
      return record
    end
    close_claim(id)
    count_lost(id, "claim lost")
    poison(id, "it ended or hung while it sent the sign-up")
  end
end

local open = open_claim()
local mine = open and read(open)
local reason, probed, held = forbidding_hold(mine and mine.probe)
local held_ms = run_clock(account, held)
if reason then
  leave_turns()
  return { "hold", reason }
end

local record = mine or choose_healthy()
if not record then
  leave_turns()
  redis.call("DEL", account .. "nudged")
  return { "dry" }
end

if used_today() >= deliveries_per_day then
  begin_hold(api_key, "quota", { ["until"] = next_midnight(jitter), by = "count", note = "" })
  leave_turns()
  return { "hold", "quota" }
end

local earliest = now_us + lead
local slot, spacing = next_slot(requests_per_second, earliest)
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
if not mine then
  begin_claim(record, take_probes(probed, lease))
end
redis.call("ZADD", due_set(record.queue), now + lease, record.id)
redis.call("SET", account .. "lane:" .. lane, record.id, "PX", lease)

local waited = now - tonumber(record.received_at)
local began = tonumber(record.requeued_at or record.received_at)
local age = now - began - (held_ms - tonumber(record.held_mark))
-- So that a process can tell whether the token that it has in memory is still the stored one.
local tokens = redis.call("HMGET", account .. "tokens", "access", "version")
local version = tokens[1] and tonumber(tokens[2]) or 0
return {
  "claimed", record.id, record.number, slot - now_us, anything_due() and 1 or 0, age, waited,
  version,
  {
    record.attempts, record.lost, record.received_at, record.contact, record.lists,
    record.unsubscribed, record.probe,
  },
}
