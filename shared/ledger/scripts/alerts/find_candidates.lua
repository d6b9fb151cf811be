-- Tells which accounts an alert may be about. Of the others nothing is due, dead or on hold, their
-- tokens are well, their names have not just passed to other accounts, and they are not without
-- sign-ups for unusually long.
--
-- ARG accounts  json  list of the prefixes of their keys
-- ARG unused_after  milliseconds  how old tokens are when their end is near
-- ARG replaced_within  milliseconds  how long it is news that a name has passed to another account
-- LIMIT UNUSUAL_AT_LEAST  milliseconds
-- LIMIT NEEDED_DAYS  number
-- LIMIT LONGEST_BETWEEN_LOOKS  milliseconds
-- LIMIT LOOK_NOTED_EVERY  milliseconds
-- INCLUDE clock
--
-- Returns a list of the prefixes of these.

local function is_held_or_has_dead_letters(of)
  local api_key = redis.call("GET", of .. "key") or "relay:{no key}:"
  return redis.call("EXISTS", of .. "holds", api_key .. "holds", of .. "dead") > 0
end

local function has_news_of_tokens(of)
  local stored = redis.call(
    "HMGET", of .. "tokens", "failures", "failure", "revoked", "received_at", "replaced_at"
  )
  local received_at, replaced_at = tonumber(stored[4] or now), tonumber(stored[5] or 0)
  return stored[1] or stored[2] or stored[3]
    or now - received_at >= unused_after
    or now - replaced_at < replaced_within
end

-- Whether accounts/signup_baseline has something to learn, or may find the time without a sign-up
-- unusual. If not, this notes now and then that somebody looked.
local function has_news_of_signups(of, totals)
  local key = of .. "rhythm"
  local arrived = tonumber(totals[2] or 0) - tonumber(totals[3] or 0) - tonumber(totals[4] or 0)
  local stored = redis.call("HMGET", key, "arrived", "last_at", "looked_at")
  if stored[1] ~= text(arrived) then
    return true
  end
  local unseen = now - tonumber(stored[3] or 0)
  if unseen < 0 or unseen > LONGEST_BETWEEN_LOOKS then
    return true
  elseif unseen >= LOOK_NOTED_EVERY then
    redis.call("HSET", key, "looked_at", text(now))
  end
  local known_days = redis.call("HLEN", key) - #stored
  return known_days >= NEEDED_DAYS and now - tonumber(stored[2] or 0) >= UNUSUAL_AT_LEAST
end

local function is_candidate(of)
  local totals = redis.call("HMGET", of .. "totals", "due", "accepted", "quarantined", "discarded")
  local learns = has_news_of_signups(of, totals)
  return learns
    or tonumber(totals[1] or 0) > 0
    or is_held_or_has_dead_letters(of)
    or has_news_of_tokens(of)
end

local found = {}
for _, each in ipairs(accounts) do
  if is_candidate(each) then
    found[#found + 1] = each
  end
end
return found
