--@include _base _holds _lines
-- Accepts a sign-up: remembers duplicates, writes the record, makes it due. Safe to repeat.
--
-- KEYS[1] -> relay:{A}:
-- KEYS[2] -> relay:visitor:<fingerprint>, or "" when the visitor is not limited
-- ARGV[1] -> id, ARGV[2] -> form, ARGV[3] -> contact (JSON), ARGV[4] -> lists (JSON),
-- ARGV[5] -> consent (JSON), ARGV[6] -> person's fingerprint, ARGV[7] -> content's fingerprint,
-- ARGV[8] -> fingerprint of the Idempotency-Key or "", ARGV[9] -> sign-ups a visitor may send,
-- ARGV[10] -> in how many ms, ARGV[11] -> why it is quarantined or ""
--
-- Returns {"accepted", id, 1 when the workers should be nudged}, {"duplicate", id of the first},
-- {"key_reused"} or {"limited", ms until the visitor may send again}.
local id, form, person, digest = ARGV[1], ARGV[2], ARGV[6], ARGV[7]
local limit, window, quarantine = tonumber(ARGV[9]), tonumber(ARGV[10]), ARGV[11]
local by_content = A .. "seen:" .. digest
local by_key = ARGV[8] ~= "" and A .. "seen:" .. ARGV[8] or nil
local TEN_MINUTES, ONE_DAY = 600000, DAY

local function duplicate_of()
  if redis.call("EXISTS", signup(id)) == 1 then
    return id
  end
  local under_key = by_key and redis.call("GET", by_key)
  if under_key then
    local first_digest, first_id = string.match(under_key, "^(%S+) (%S+)$")
    return first_digest == digest and first_id or "key_reused"
  end
  return redis.call("GET", by_content)
end

local function remember()
  redis.call("SET", by_content, id, "PX", TEN_MINUTES)
  if by_key then
    redis.call("SET", by_key, digest .. " " .. id, "PX", ONE_DAY)
  end
end

-- A key that comes with known content stands for it from now on. Something is written in any
-- case, so that waiting for the disk waits for the first one's record, too.
local function remember_repeat(first)
  if by_key then
    redis.call("SET", by_key, digest .. " " .. first, "NX", "PX", ONE_DAY)
  end
  if redis.call("EXISTS", signup(first)) == 1 then
    redis.call("HSET", signup(first), "repeated_at", text(now))
  end
end

local function visitor_wait()
  if KEYS[2] == "" then
    return nil
  end
  if tonumber(redis.call("GET", KEYS[2]) or 0) >= limit then
    return math.max(1, redis.call("PTTL", KEYS[2]))
  end
  if redis.call("INCR", KEYS[2]) == 1 then
    redis.call("PEXPIRE", KEYS[2], window)
  end
end

local first = duplicate_of()
if first == "key_reused" then
  return { "key_reused" }
elseif first then
  remember_repeat(first)
  return { "duplicate", first }
end
local wait = visitor_wait()
if wait then
  return { "limited", wait }
end

if redis.call("SADD", K .. "accounts", A) == 1 then
  mind_clock(A) -- the API key may have been on hold before its first sign-up came
end
redis.call(
  "HSET", signup(id),
  "form", form, "contact", ARGV[3], "lists", ARGV[4], "consent", ARGV[5], "person", person,
  "received_at", moment, "held_mark", text(held_time()), "attempts", 0, "lost", 0
)
redis.call("SADD", A .. "email:" .. person, id)
count("accepted", 1)
chart("accepted")

if quarantine ~= "" then
  redis.call("HSET", signup(id), "state", "quarantined", "reason", quarantine)
  redis.call("ZADD", A .. "quarantined", text(now), id)
  count("quarantined", 1)
  chart("quarantined")
  return { "accepted", id, 0 }
end

remember()
redis.call("HSET", signup(id), "state", "queued")
redis.call("ZADD", A .. "unsettled", moment, id)
join_line(id, person, "fresh", moment)
count("due", 1)
-- The flag is gone when the workers have run dry, and at most a second old while they have not.
local nudge = redis.call("SET", A .. "nudged", "1", "NX", "PX", 1000) and 1 or 0
return { "accepted", id, nudge }
