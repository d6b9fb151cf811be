-- What is settled is in two sorted sets of its state: by when it was settled, for retention, and by
-- when it was received, for lists. Dead letters are listed by their groups instead.
--
-- NEEDS account

-- Both times are texts.
local function join_settled(state, id, received_at, at)
  redis.call("ZADD", account .. state, at, id)
  redis.call("ZADD", account .. "received:" .. state, received_at, id)
end

-- Returns whether it was there. The first step needs no memory.
local function leave_settled(state, id)
  local found = redis.call("ZREM", account .. state, id) == 1
  redis.call("ZREM", account .. "received:" .. state, id)
  return found
end
