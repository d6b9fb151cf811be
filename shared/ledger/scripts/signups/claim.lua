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
-- LIMIT JOB_FIRST_EVERY  number
-- LIMIT MOST_LOST  number
-- LIMIT LONGEST_GRANT  microseconds
-- INCLUDE clock account record holds lines pace settle erase
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
  local record = id and load_record(id)
  if record and record.lane == lane then
    return id, record
  end
end

-- Fresh sign-ups come first, but some claims prefer a retry, so that neither waits behind ten
-- thousand of the other. What jobs send comes when nothing else is due, but a few claims prefer it,
-- so that a site that is never quiet does not keep it for ever.
local function choose()
  local number = tonumber(redis.call("GET", account .. "claims") or 0) + 1
  local order = number % JOB_FIRST_EVERY == 0 and { "replay", "fresh", "retry" }
    or number % RETRY_FIRST_EVERY == 0 and { "retry", "fresh", "replay" }
    or { "fresh", "retry", "replay" }
  for _, queue in ipairs(order) do
    local id, due_at = first_due(queue)
    if id then
      return id, due_at
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

-- Gives the sign-up to this lane, under a new number.
local function begin_claim(id, record, due_at, probe)
  record.claim, record.lane = text(redis.call("INCR", account .. "claims")), lane
  record.probe = probe ~= "" and probe or nil
  if record.state == "delivering" then -- the claim ran out, so the lane that had it is gone
    count_lost(record, "claim lost")
  else
    record.state_before, record.due_before = record.state, due_at
    record.state = "delivering"
    note_unsettled(id, record)
  end
  save_record(id, record)
end

-- Whether this claim ran out, and was the last that the sign-up may lose.
local function is_poison(record)
  return record.state == "delivering" and (record.lost or 0) + 1 >= MOST_LOST
end

-- Whether the record of a due sign-up says what the indexes say: else it is as good as unreadable.
local function is_sound(id, record)
  local place = redis.call("ZSCORE", of_person(record.person), id)
  return DUE[record.state] and place and tonumber(place) > 0
end

-- Returns the sign-up that is due next, its record, and since when. One that has ended its worker
-- too often becomes a dead letter first, and so does one that nobody can read; one that was to be
-- erased is.
local function choose_healthy()
  while true do
    local id, due_at = choose()
    local record = id and load_record(id)
    record = record and is_sound(id, record) and record
    if not id or record and not (record.erase or is_poison(record)) then
      return id, record, due_at
    end
    if not record then
      set_aside(id)
    elseif record.erase then
      erase(id, record)
    else
      close_claim(id, record)
      count_lost(record, "claim lost")
      poison(id, record, "it ended or hung while it sent the sign-up")
      save_record(id, record)
    end
  end
end

local id, record = open_claim()
local mine, due_at = id ~= nil, nil
local reason, probed, held = forbidding_hold(mine and record.probe)
local held_ms = run_clock(account, held)
if reason then
  leave_turns()
  return { "hold", reason }
end

if not mine then
  id, record, due_at = choose_healthy()
end
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
  begin_claim(id, record, due_at, take_probes(probed, lease))
end
redis.call("ZADD", due_set(record.queue), now + lease, id)
redis.call("SET", account .. "lane:" .. lane, id, "PX", lease)

local waited = now - tonumber(record.received_at)
local began = tonumber(record.requeued_at or record.received_at)
local age = now - began - (held_ms - (record.held_mark or 0))
-- So that a process can tell whether the token that it has in memory is still the stored one.
local tokens = redis.call("HMGET", account .. "tokens", "access", "version")
local version = tokens[1] and tonumber(tokens[2]) or 0
local sent = sent_consent_history(record)
return {
  "claimed", id, record.claim, slot - now_us, anything_due() and 1 or 0, age, waited, version,
  {
    record.attempts or 0, record.lost or 0, record.received_at, sent, record.probe or "",
    record.form,
  },
}
