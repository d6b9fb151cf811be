-- The end of a claim. Every claim has a number that is never used again, and that number alone
-- is the fence.
--
-- NEEDS account
-- LIMIT MOST_LOST  number
-- INCLUDE clock account record lines jobs dead_letters erase

-- Returns "open" when claim `number` may write: it is the newest one, even if it has run out;
-- "settled" when this same claim has been settled before (its answer got lost); "superseded"
-- when another one has taken over. The second result is the record.
local function check_fence(id, number)
  local record = load_record(id)
  if not record or record.claim ~= number then
    return "superseded"
  end
  return record.state == "delivering" and "open" or "settled", record
end

-- Closes the claim: afterwards the sign-up is in no due set, and no lane has it. Every step begins
-- with this, as a full server refuses a script whose first write needs memory, and a sign-up that
-- was sent must be settled even then. Returns the record's fields of the claim.
local function close_claim(id, record)
  redis.call("ZREM", due_set(record.queue), id)
  local lane = account .. "lane:" .. record.lane
  if redis.call("GET", lane) == id then -- else the lane has claimed another one since
    redis.call("DEL", lane)
  end
  local claim =
    { probe = record.probe, state_before = record.state_before, due_before = record.due_before }
  record.lane, record.probe, record.state_before, record.due_before = nil, nil, nil, nil
  return claim
end

-- The sign-up is settled, and has its new state: it leaves its person's line, and is no longer due.
local function close_signup(id, record)
  record.queue = nil
  redis.call("ZREM", account .. "unsettled", id)
  leave_line(id, record)
  if record.replay then
    count_in_job(record.replay, record.state)
  end
end

-- Saves the settled record, unless somebody wanted it erased meanwhile.
local function save_or_erase(id, record)
  if record.erase then
    erase(id, record)
  else
    save_record(id, record)
  end
end

-- The sign-up becomes a dead letter; its claim is closed already.
local function make_dead(id, record, reason, error_key, message)
  record.state, record.reason, record.settled_at = "dead", reason, now
  record.error_key = error_key ~= "" and error_key or nil
  record.message = message ~= "" and message or nil
  join_dead_letters(id, record)
  close_signup(id, record)
  count("due", -1)
  count("dead", 1)
  chart("dead", 1)
end

-- Notes a lost claim. It is no attempt, as nobody knows what happened.
local function count_lost(record, event)
  remember(record, cjson.encode({ at = now, event = event, counted = false }))
  record.lost = (record.lost or 0) + 1
end

local function poison(id, record, cause)
  local workers = text(MOST_LOST) .. " workers ended, hung or failed while they had it"
  make_dead(id, record, "poison", "", workers .. "; the last: " .. cause)
end
