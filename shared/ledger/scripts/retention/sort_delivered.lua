-- Has retention look at the account's delivered sign-ups that were received so long ago that something
-- of them may be over: puts them into the sorted set by when they were settled, some at a time. Safe
-- to repeat, and several times at once.
--
-- KEY account  prefix of the account's keys
-- KEY retention  relay:retention
-- ARG kept  json  what is not kept for ever -> milliseconds
-- LIMIT MOST_CLEARED  number
-- INCLUDE clock record retention delivered
--
-- Returns how many; 0 when none is left.

local function over(name)
  return kept[name] and over_before(name, kept[name], now) or 0
end

-- A full server refuses a script at its first write that needs memory, but this makes room.
redis.call("ZREM", account .. "delivered", "")

local last = nil
local function sort(id, received_at)
  local record = load_record(id)
  local settled_at = record and record.settled_at
  redis.call("ZADD", account .. "delivered", settled_at and text(settled_at) or received_at, id)
end

local page = redis.call(
  "ZRANGE", RECEIVED, sorted_up_to() and "(" .. sorted_up_to() or "-inf",
  text(math.max(over("delivered"), over("addresses"))), "BYSCORE", "LIMIT", 0, MOST_CLEARED,
  "WITHSCORES"
)
local sorted = 0
-- All of one time belong to one step, as the next one begins after it.
for i = 2, #page, 2 do
  if page[i] ~= last then
    last = page[i]
    for _, id in ipairs(redis.call("ZRANGE", RECEIVED, last, last, "BYSCORE")) do
      sort(id, last)
      sorted = sorted + 1
    end
  end
end
if last then
  redis.call("SET", account .. "delivered-sorted", last)
end
return sorted
