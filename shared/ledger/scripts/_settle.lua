-- The end of a claim. Every claim has a number that is never used again, and that number alone
-- is the fence.

-- Returns "open" when claim `number` may write: it is the newest one, even if it has run out;
-- "settled" when this same claim has been settled before (its answer got lost); "superseded"
-- when another one has taken over.
local function fence(id, number)
  local stored = redis.call("HMGET", signup(id), "claim", "state")
  if stored[1] ~= number then
    return "superseded"
  end
  return stored[2] == "delivering" and "open" or "settled"
end

local function remember_attempt(id, attempt)
  if attempt ~= "" then
    redis.call("RPUSH", A .. "attempts:" .. id, attempt)
    redis.call("LTRIM", A .. "attempts:" .. id, -100, -1)
  end
end

-- Closes the claim: the sign-up is in no due set and in no lane's hands afterwards. Comes first
-- in every step: a full server refuses a script whose first write needs memory, and what was
-- sent must be settled even then.
local function close_claim(id)
  local stored = redis.call("HMGET", signup(id), "queue", "lane")
  redis.call("ZREM", A .. "due:" .. stored[1], id)
  local lane = A .. "lane:" .. stored[2]
  if redis.call("GET", lane) == id then -- else the lane has claimed another one since
    redis.call("DEL", lane)
  end
end

-- The sign-up needs nothing more: it leaves what is due and its person's line.
local function close_signup(id)
  redis.call("ZREM", A .. "unsettled", id)
  leave_line(id, redis.call("HGET", signup(id), "person"))
end
