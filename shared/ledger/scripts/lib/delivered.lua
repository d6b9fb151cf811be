-- Delivered sign-ups are by far the most, so one sorted set must do for nearly all: by when they were
-- received, for lists. Retention goes by when they were settled. It puts those that were received
-- long ago into a second one, `delivered`, shortly before it clears them.
--
-- NEEDS account
-- INCLUDE clock

local RECEIVED = account .. "received:delivered"

-- Returns up to which time of receiving all are in the second one, or nil.
local function sorted_up_to()
  return redis.call("GET", account .. "delivered-sorted")
end

-- Notes that the sign-up is delivered now. It may have been received before what is sorted.
local function join_delivered(id, received_at)
  redis.call("ZADD", RECEIVED, received_at, id)
  redis.call("SET", account .. "delivered-at", text(now))
  if tonumber(received_at) <= tonumber(sorted_up_to() or -1) then
    redis.call("ZADD", account .. "delivered", text(now), id)
  end
end
