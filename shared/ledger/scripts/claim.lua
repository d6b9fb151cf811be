--@include _base _holds _lines _pace _settle
-- Claims the next due sign-up for a lane, if nothing speaks against it: hold, quota, turn, pace.
-- A lane that asks again while its claim is open gets the same one, with a new slot.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> lane (unique), ARGV[2] -> lease in ms, ARGV[3] -> requests per second,
-- ARGV[4] -> requests per day for deliveries, ARGV[5] -> how far ahead a slot may lie, in us,
-- ARGV[6] -> jitter in [0, 1), ARGV[7] -> us that this answer takes to arrive
--
-- Returns one of
--   {"claimed", id, claim number, us until its slot, 1 when more is due, age in ms since it was
--    received or requeued without the time on hold, ms since it was received in all, the record
--    as a list of fields and values}
--   {"wait", ms}       for the pace or another account's turn
--   {"hold", reason}
--   {"dry"}            nothing is due
local lane, lease = ARGV[1], tonumber(ARGV[2])
local rate, budget = tonumber(ARGV[3]), tonumber(ARGV[4])
local lookahead, jitter, lead = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local TURNS, PROMISES = K .. "turns", K .. "turns:promised"
-- A waiting account that does not come for its slot this long after it said it would has gone.
local PATIENCE_US = 50000

local function leave_turns()
  redis.call("ZREM", TURNS, A)
  redis.call("HDEL", PROMISES, A)
end

-- This lane's own open claim, if it has one.
local function open_claim()
  local id = redis.call("GET", A .. "lane:" .. lane)
  if id and redis.call("HGET", signup(id), "lane") == lane then
    return id
  end
end

local function first_due(queue)
  return redis.call("ZRANGE", due_set(queue), "-inf", moment, "BYSCORE", "LIMIT", 0, 1)[1]
end

-- Fresh sign-ups first, but every fourth claim prefers a retry, so that neither waits behind
-- ten thousand of the other; replays only when nothing else is due, but for every fiftieth
-- claim, so that a site that is never quiet does not keep them for ever.
local function choose()
  local number = tonumber(redis.call("GET", A .. "claims") or 0) + 1
  local order = number % 50 == 0 and { "replay", "fresh", "retry" }
    or number % 4 == 0 and { "retry", "fresh", "replay" }
    or { "fresh", "retry", "replay" }
  for _, queue in ipairs(order) do
    local id = first_due(queue)
    if id then
      return id
    end
  end
end

-- Accounts of one key take turns: whoever has waited longest goes first. Returns the ms to wait
-- for another account's turn, or nil.
local function others_turn()
  while true do
    local head = redis.call("ZRANGE", TURNS, 0, 0)[1]
    if not head or head == A then
      return nil
    end
    local promised = unless_beyond(LONGEST_GRANT, redis.call("HGET", PROMISES, head))
    local late = now_us - promised
    if late <= PATIENCE_US then
      return math.max(1, math.ceil((PATIENCE_US - late) / 1000 / 4))
    end
    redis.call("ZREM", TURNS, head)
    redis.call("HDEL", PROMISES, head)
  end
end

local function wait_for_turn(ms)
  redis.call("ZADD", TURNS, "NX", text(now_us), A)
  redis.call("HSET", PROMISES, A, text(now_us + ms * 1000))
  return { "wait", ms }
end

local function new_number(id)
  local record = redis.call("HMGET", signup(id), "state", "queue")
  if record[1] == "delivering" then
    count_lost(id, "claim lost") -- it ran out, so whoever had it is gone
  else
    local due_at = redis.call("ZSCORE", due_set(record[2]), id)
    redis.call("HSET", signup(id), "state_before", record[1], "due_before", due_at)
  end
  local number = redis.call("INCR", A .. "claims")
  redis.call("HSET", signup(id), "state", "delivering", "claim", text(number), "lane", lane)
  return text(number)
end

-- Whether this claim ran out, and was the last that the sign-up may lose.
local function is_poison(id)
  local record = redis.call("HMGET", signup(id), "state", "lost")
  return record[1] == "delivering" and tonumber(record[2]) + 1 >= MOST_LOST
end

-- Returns what is due next; what has ended its worker too often is made a dead letter first.
local function choose_healthy()
  local id = choose()
  while id and is_poison(id) do
    close_claim(id)
    count_lost(id, "claim lost")
    poison(id, "its worker ended or hung while it was sent")
    id = choose()
  end
  return id
end

local mine = open_claim()
local reason, probed = standing_hold(mine and redis.call("HGET", signup(mine), "probe"))
mind_clock(A)
if reason then
  leave_turns()
  return { "hold", reason }
end

local id = mine or choose_healthy()
if not id then
  leave_turns()
  redis.call("DEL", A .. "nudged")
  return { "dry" }
end

if used_today() >= budget then
  begin_hold(K, "quota", next_midnight(jitter), nil, nil, "count", "")
  leave_turns()
  return { "hold", "quota" }
end

local spacing = spacing_us(rate)
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
redis.call("SET", A .. "lane:" .. lane, id, "PX", lease)

local record = redis.call("HGETALL", signup(id))
local marks = redis.call("HMGET", signup(id), "received_at", "requeued_at", "held_mark")
local age = now - tonumber(marks[2] or marks[1]) - (held_time() - tonumber(marks[3]))
local waited = now - tonumber(marks[1])
return { "claimed", id, number, slot - now_us, choose() and 1 or 0, age, waited, record }
