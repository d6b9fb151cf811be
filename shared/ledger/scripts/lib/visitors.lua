-- The visitors of a network, which RELAY_VISITOR_LIMIT counts: one by one, and all together.
--
-- NEEDS network place visitor_limit visitor_window
-- LIMIT VISITORS_OF_A_NETWORK  number
-- LIMIT BUSY_SHARE  number
-- LIMIT BUSY_AT_LEAST  number
-- LIMIT REPEATS_FOR_EACH_SIGNUP  number
-- LIMIT LEAST_REPEATS  number

local visitor_key = network and network .. ":" .. place

-- Counts one more sign-up of the visitor, who is `known` if one came before in this window. Returns
-- how long the visitor must wait (ms) if there were too many; else nil, and whether there were many.
local function count_visitor(known)
  local sent = known and redis.call("GET", visitor_key)
  if sent and tonumber(sent) >= visitor_limit then
    return math.max(1, redis.call("PTTL", visitor_key))
  end
  local of_all = redis.call("INCR", network)
  if of_all == 1 then
    redis.call("PEXPIRE", network, visitor_window)
  elseif of_all > visitor_limit * VISITORS_OF_A_NETWORK then
    return math.max(1, redis.call("PTTL", network))
  end
  local of_visitor = 1
  if sent then
    of_visitor = redis.call("INCR", visitor_key)
  else
    redis.call("SET", visitor_key, 1, "PX", visitor_window)
  end
  local many = math.max(BUSY_AT_LEAST, visitor_limit * BUSY_SHARE)
  return nil, of_visitor > many or of_all > many * VISITORS_OF_A_NETWORK
end

-- Counts one more repeat of the visitor's own sign-ups. Returns the same.
local function count_repeat()
  local key = visitor_key .. ":repeats"
  local sent = redis.call("INCR", key)
  if sent == 1 then
    redis.call("PEXPIRE", key, visitor_window)
  elseif sent > math.max(LEAST_REPEATS, visitor_limit * REPEATS_FOR_EACH_SIGNUP) then
    return math.max(1, redis.call("PTTL", key))
  end
end
