--@include _base _holds _lines _settle _outage
-- Settles a claim: the sign-up is delivered. Safe to repeat.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> id, ARGV[2] -> claim number, ARGV[3] -> attempt (JSON), ARGV[4] -> contact_id,
-- ARGV[5] -> action
--
-- Returns "open" when this call settled it, "settled" when an earlier one had, "superseded".
local id = ARGV[1]
local standing = fence(id, ARGV[2])
if standing ~= "open" then
  return standing
end

close_claim(id)
remember_attempt(id, ARGV[3])
redis.call("HINCRBY", signup(id), "attempts", 1)
redis.call(
  "HSET", signup(id),
  "state", "delivered", "contact_id", ARGV[4], "action", ARGV[5], "settled_at", text(now)
)
redis.call("ZADD", A .. "delivered", text(now), id)
close_signup(id)
count("due", -1)
count("delivered", 1)
chart("delivered")
redis.call("SET", A .. "succeeded-at", text(now))
end_failures()
end_probed_holds(id)
return standing
