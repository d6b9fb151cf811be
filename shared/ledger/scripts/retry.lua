--@include _base _holds _lines _settle _outage
-- Settles a claim: the sign-up failed for a passing reason and comes due again later. Safe to
-- repeat.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> id, ARGV[2] -> claim number, ARGV[3] -> attempt (JSON), ARGV[4] -> ms to wait,
-- ARGV[5] -> error_key, ARGV[6] -> message, ARGV[7] -> "1" when it counts as an attempt,
-- ARGV[8] -> "" unless the API itself failed: then ms to the first probe of the outage that this
-- may be, ARGV[9] -> longest ms between its probes
--
-- Returns "open" when this call settled it, "settled" when an earlier one had, "superseded".
local id = ARGV[1]
local standing = fence(id, ARGV[2])
if standing ~= "open" then
  return standing
end

close_claim(id)
remember_attempt(id, ARGV[3])
redis.call("HINCRBY", signup(id), "attempts", ARGV[7])
redis.call(
  "HSET", signup(id),
  "state", "retrying", "queue", "retry", "error_key", ARGV[5], "message", ARGV[6]
)
redis.call("ZADD", A .. "due:retry", text(now + tonumber(ARGV[4])), id)
chart("retried")
if ARGV[8] ~= "" then
  note_failure(id, tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[6])
end
return standing
