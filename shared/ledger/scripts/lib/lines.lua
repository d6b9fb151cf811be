-- A person's line has the unsettled sign-ups of one person in the order received. Only its head is
-- in a due set, so that one person's sign-ups never overtake or collide.
--
-- NEEDS account
-- INCLUDE clock account

local function due_set(queue)
  return account .. "due:" .. queue
end

-- Returns the first of the queue that is due, and since when; or nil.
local function first_due(queue)
  local found = redis.call(
    "ZRANGE", due_set(queue), "-inf", moment, "BYSCORE", "LIMIT", 0, 1, "WITHSCORES"
  )
  return found[1], found[2]
end

local function anything_due()
  return first_due("fresh") or first_due("retry") or first_due("replay")
end

-- Makes a sign-up the only one of its person's line, which is empty; it becomes due at `when` (a
-- text). The caller writes the field `queue`.
local function begin_line(id, person, queue, when)
  redis.call("ZADD", account .. "person:" .. person, now_us, id)
  redis.call("ZADD", due_set(queue), when, id)
end

-- Puts a sign-up at the end of its person's line, or begins one.
local function join_line(id, person, queue, when)
  local line = account .. "person:" .. person
  local last = redis.call("ZRANGE", line, -1, -1, "WITHSCORES")
  if not last[1] then
    return begin_line(id, person, queue, when)
  end
  -- The order holds even when two come in one microsecond or Redis' clock goes back.
  redis.call("ZADD", line, math.max(now_us, tonumber(last[2]) + 1), id)
end

-- Takes the settled head out of its line and makes the next one due, in the order in which it was
-- received.
local function leave_line(id, person)
  local line = account .. "person:" .. person
  redis.call("ZREM", line, id)
  local following = redis.call("ZRANGE", line, 0, 0)[1]
  if following then
    local stored = redis.call("HMGET", signup(following), "queue", "received_at")
    redis.call("ZADD", due_set(stored[1]), stored[2], following)
  end
end
