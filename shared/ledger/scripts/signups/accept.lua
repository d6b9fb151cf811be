-- Accepts a sign-up: recognizes duplicates, writes the record, and makes it due. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- KEY visitor?  relay:visitor:<fingerprint>; none when the visitor is not limited
-- ARG id  text  of the sign-up
-- ARG form  text  its form
-- ARG contact  text  as JSON
-- ARG lists  text  as JSON
-- ARG consent  text  as JSON
-- ARG person  text  fingerprint of the person
-- ARG content  text  fingerprint of all that makes two submissions the same one
-- ARG idempotency_key  text?  fingerprint of the Idempotency-Key
-- ARG visitor_limit  number  how many sign-ups a visitor may send
-- ARG visitor_window  milliseconds  in which time
-- ARG quarantine  text?  why it is quarantined
-- ARG waited  milliseconds  how long it waited on web's disk since it was received
-- ARG unsubscribed  text  what becomes of an unsubscribed person: "resubscribe" or "ask"
-- LIMIT DUPLICATE_WINDOW  milliseconds
-- LIMIT IDEMPOTENCY_KEY_LIFE  milliseconds
-- LIMIT MOST_COMPARED  number
-- LIMIT NOTIFY_INTERVAL  milliseconds
-- INCLUDE clock account busy forms holds lines
--
-- Returns {"accepted", id, 1 when the workers are to be notified}, {"duplicate", id of the first},
-- {"key_reused"} or {"limited", ms until the visitor may send again}.

local record, line = signup(id), account .. "person:" .. person
local by_content = account .. "seen:" .. content
local by_key = idempotency_key and account .. "seen:" .. idempotency_key
local received = waited == 0 and moment or string.format("%.3f", now_us / 1000 - waited)

-- Most sign-ups are new in every way: their id, their content, their key and their visitor, and
-- their person has nothing unsettled. One step finds that out; the others take some more.
local all_new = waited == 0
  and redis.call("EXISTS", record, line, by_content, by_key or record, visitor or record) == 0

if not all_new then
  -- For a sign-up that waited on web's disk, the mark may be over, or name one that came much
  -- later. Then the person's records tell which one was received shortly before or after it.
  local function first_of_content()
    local all = account .. "email:" .. person
    if waited == 0 or redis.call("SCARD", all) > MOST_COMPARED then
      return redis.call("GET", by_content)
    end
    for _, other in ipairs(redis.call("SMEMBERS", all)) do
      local stored = redis.call("HMGET", signup(other), "content", "received_at")
      local apart = stored[1] == content and math.abs(tonumber(stored[2]) - tonumber(received))
      if apart and apart <= DUPLICATE_WINDOW then
        return other
      end
    end
  end

  local function duplicate_of()
    if redis.call("EXISTS", record) == 1 then
      return id
    end
    local under_key = by_key and redis.call("GET", by_key)
    if under_key then
      local first_content, first_id = string.match(under_key, "^(%S+) (%S+)$")
      return first_content == content and first_id or "key_reused"
    end
    return first_of_content()
  end

  -- A key that comes with known content means that content from now on. It never means a sign-up
  -- that was quarantined, which has no queue. Something is written in any case, so that waiting for
  -- the disk waits for the first one's record, too.
  local function remember_repeat(first)
    local exists = redis.call("EXISTS", signup(first)) == 1
    local quarantined = exists and redis.call("HEXISTS", signup(first), "queue") == 0
    if by_key and not quarantined then
      redis.call("SET", by_key, content .. " " .. first, "NX", "PX", IDEMPOTENCY_KEY_LIFE)
    end
    if exists then
      redis.call("HSET", signup(first), "repeated_at", text(now))
    end
  end

  local first = duplicate_of()
  if first == "key_reused" then
    return { "key_reused" }
  elseif first then
    remember_repeat(first)
    return { "duplicate", first }
  end
end

if visitor then
  local sent = not all_new and redis.call("GET", visitor)
  if not sent then
    redis.call("SET", visitor, 1, "PX", visitor_window)
  elseif tonumber(sent) < visitor_limit then
    redis.call("INCR", visitor)
  else
    return { "limited", math.max(1, redis.call("PTTL", visitor)) }
  end
end

-- Writes the record: what all sign-ups have, and these fields with their values. It comes before
-- the counts, as a user without the right to it must not move them.
local function write(...)
  redis.call(
    "HSET", record,
    "form", form, "contact", contact, "lists", lists, "consent", consent, "person", person,
    "received_at", received, "held_mark", held_time(), "attempts", 0, "lost", 0,
    "unsubscribed", unsubscribed, "counted", 1, ...
  )
end

-- A mark lasts from when the sign-up was received.
local function mark(key, value, life)
  if waited < life then
    redis.call("SET", key, value, "PX", life - waited)
  end
end

if redis.call("SADD", api_key .. "accounts", account) == 1 then
  update_clock(account) -- the API key may have been on hold before its first sign-up came
end
if quarantine then
  write("state", "quarantined", "reason", quarantine)
else
  write("state", "queued", "queue", "fresh", "content", content)
end
redis.call("SADD", account .. "email:" .. person, id)
count("accepted", 1)
count_form(form, "accepted", 1)
chart("accepted")

if quarantine then
  redis.call("ZADD", account .. "quarantined", now, id)
  count("quarantined", 1)
  count_form(form, "quarantined", 1)
  count_form(form, "screened", 1)
  chart("quarantined")
  return { "accepted", id, 0 }
end

mark(by_content, id, DUPLICATE_WINDOW)
if by_key then
  mark(by_key, content .. " " .. id, IDEMPOTENCY_KEY_LIFE)
end
redis.call("ZADD", account .. "unsettled", received, id)
if all_new then
  begin_line(id, person, "fresh", received)
else
  join_line(id, person, "fresh", received)
end
count("due", 1)
-- The flag is gone when the workers have run dry, and soon again while they have not.
local notify = redis.call("SET", account .. "nudged", "1", "NX", "PX", NOTIFY_INTERVAL)
if notify then
  note_busy(account)
end
return { "accepted", id, notify and 1 or 0 }
