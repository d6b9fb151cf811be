--@include _base _holds _lines
-- Accepts a sign-up: remembers duplicates, writes the record, makes it due. Safe to repeat.
--
-- KEYS[1] -> relay:{A}:
-- KEYS[2] -> relay:visitor:<fingerprint>, or "" when the visitor is not limited
-- ARGV[1] -> id, ARGV[2] -> form, ARGV[3] -> contact (JSON), ARGV[4] -> lists (JSON),
-- ARGV[5] -> consent (JSON), ARGV[6] -> person's fingerprint, ARGV[7] -> content's fingerprint,
-- ARGV[8] -> fingerprint of the Idempotency-Key or "", ARGV[9] -> sign-ups a visitor may send,
-- ARGV[10] -> in how many ms, ARGV[11] -> why it is quarantined or "",
-- ARGV[12] -> for how many ms it has waited on web's disk since it was received, or 0,
-- ARGV[13] -> what becomes of someone who is unsubscribed: "resubscribe" or "ask"
--
-- Returns {"accepted", id, 1 when the workers should be nudged}, {"duplicate", id of the first},
-- {"key_reused"} or {"limited", ms until the visitor may send again}.
local id, form, person, digest = ARGV[1], ARGV[2], ARGV[6], ARGV[7]
local limit, window, quarantine = tonumber(ARGV[9]), tonumber(ARGV[10]), ARGV[11]
local by_content = A .. "seen:" .. digest
local by_key = ARGV[8] ~= "" and A .. "seen:" .. ARGV[8] or nil
local TEN_MINUTES, ONE_DAY = 600000, DAY
local waited = tonumber(ARGV[12])
local received = waited == 0 and moment or string.format("%.3f", now_us / 1000 - waited)
-- Whoever has more sign-ups than this is not looked through for a late repeat.
local MOST_LOOKED_AT = 200

-- Of what waited on web's disk the mark may be over, or stand for one that came much later. So
-- the person's records tell which one was received within ten minutes of it, before or after.
local function first_of_content()
  local all = A .. "email:" .. person
  if waited == 0 or redis.call("SCARD", all) > MOST_LOOKED_AT then
    return redis.call("GET", by_content)
  end
  for _, other in ipairs(redis.call("SMEMBERS", all)) do
    local stored = redis.call("HMGET", signup(other), "content", "received_at")
    if stored[1] == digest and math.abs(tonumber(stored[2]) - tonumber(received)) <= TEN_MINUTES then
      return other
    end
  end
end

local function duplicate_of()
  if redis.call("EXISTS", signup(id)) == 1 then
    return id
  end
  local under_key = by_key and redis.call("GET", by_key)
  if under_key then
    local first_digest, first_id = string.match(under_key, "^(%S+) (%S+)$")
    return first_digest == digest and first_id or "key_reused"
  end
  return first_of_content()
end

-- A mark lasts from when the sign-up was received.
local function mark(key, value, life)
  if waited < life then
    redis.call("SET", key, value, "PX", text(life - waited))
  end
end

local function remember()
  redis.call("HSET", signup(id), "content", digest)
  mark(by_content, id, TEN_MINUTES)
  if by_key then
    mark(by_key, digest .. " " .. id, ONE_DAY)
  end
end

-- A key that comes with known content stands for it from now on, but never for a sign-up that was
-- quarantined, which has no queue. Something is written in any case, so that waiting for the disk
-- waits for the first one's record, too.
local function remember_repeat(first)
  local exists = redis.call("EXISTS", signup(first)) == 1
  local quarantined = exists and redis.call("HEXISTS", signup(first), "queue") == 0
  if by_key and not quarantined then
    redis.call("SET", by_key, digest .. " " .. first, "NX", "PX", ONE_DAY)
  end
  if exists then
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
  "received_at", received, "held_mark", text(held_time()), "attempts", 0, "lost", 0,
  "unsubscribed", ARGV[13]
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
redis.call("ZADD", A .. "unsettled", received, id)
join_line(id, person, "fresh", received)
count("due", 1)
-- The flag is gone when the workers have run dry, and at most a second old while they have not.
local nudge = redis.call("SET", A .. "nudged", "1", "NX", "PX", 1000) and 1 or 0
return { "accepted", id, nudge }
