-- The end of a claim. Every claim has a number that is never used again, and that number alone
-- is the fence.
--
-- NEEDS account
-- LIMIT HISTORY_KEPT  number
-- LIMIT MOST_LOST  number
-- INCLUDE clock account lines replays

-- Returns "open" when claim `number` may write: it is the newest one, even if it has run out;
-- "settled" when this same claim has been settled before (its answer got lost); "superseded"
-- when another one has taken over.
local function check_fence(id, number)
  local stored = redis.call("HMGET", signup(id), "claim", "state")
  if stored[1] ~= number then
    return "superseded"
  end
  return stored[2] == "delivering" and "open" or "settled"
end

local function remember_attempt(id, attempt)
  local key = account .. "attempts:" .. id
  if attempt and redis.call("RPUSH", key, attempt) > HISTORY_KEPT then
    redis.call("LTRIM", key, -HISTORY_KEPT, -1)
  end
end

-- Closes the claim: afterwards the sign-up is in no due set, and no lane has it. Every step begins
-- with this, as a full server refuses a script whose first write needs memory, and a sign-up that
-- was sent must be settled even then.
local function close_claim(id)
  local stored = redis.call("HMGET", signup(id), "queue", "lane")
  redis.call("ZREM", account .. "due:" .. stored[1], id)
  local lane = account .. "lane:" .. stored[2]
  if redis.call("GET", lane) == id then -- else the lane has claimed another one since
    redis.call("DEL", lane)
  end
end

-- The sign-up is settled, and has its new state: it leaves its person's line, and is no longer due.
local function close_signup(id)
  redis.call("ZREM", account .. "unsettled", id)
  local stored = redis.call("HMGET", signup(id), "person", "replay", "state")
  leave_line(id, stored[1])
  if stored[2] then
    count_replayed(stored[2], stored[3])
  end
end

-- The sign-up becomes a dead letter; its claim is closed already.
local function make_dead(id, reason, error_key, message)
  redis.call(
    "HSET", signup(id),
    "state", "dead", "reason", reason, "error_key", error_key, "message", message,
    "settled_at", text(now)
  )
  redis.call("ZADD", account .. "dead", text(now), id)
  redis.call("ZADD", account .. "dead:" .. reason, text(now), id)
  close_signup(id)
  count("due", -1)
  count("dead", 1)
  chart("dead")
end

-- Notes a lost claim. It is no attempt, as nobody knows what happened. Returns how many claims the
-- sign-up has lost by now.
local function count_lost(id, event)
  local cause = { at = now, event = event, counted = false }
  redis.call("RPUSH", account .. "attempts:" .. id, cjson.encode(cause))
  return redis.call("HINCRBY", signup(id), "lost", 1)
end

local function poison(id, cause)
  local workers = text(MOST_LOST) .. " workers ended, hung or failed while they had it"
  make_dead(id, "poison", "", workers .. "; the last: " .. cause)
end
