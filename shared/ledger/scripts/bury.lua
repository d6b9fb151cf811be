--@include _base _holds _lines _settle
-- Settles a claim: the sign-up becomes a dead letter, with its reason. Safe to repeat.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> id, ARGV[2] -> claim number, ARGV[3] -> attempt (JSON) or "" when none was made,
-- ARGV[4] -> reason, ARGV[5] -> error_key, ARGV[6] -> message,
-- ARGV[7] -> "1" when the answer shows that the account itself is well
--
-- Returns "open" when this call settled it, "settled" when an earlier one had, "superseded".
local id, reason = ARGV[1], ARGV[4]
local standing = fence(id, ARGV[2])
if standing ~= "open" then
  return standing
end

close_claim(id)
remember_attempt(id, ARGV[3])
if ARGV[3] ~= "" then
  redis.call("HINCRBY", signup(id), "attempts", 1)
end
redis.call(
  "HSET", signup(id),
  "state", "dead", "reason", reason, "error_key", ARGV[5], "message", ARGV[6],
  "settled_at", text(now)
)
redis.call("ZADD", A .. "dead", text(now), id)
redis.call("ZADD", A .. "dead:" .. reason, text(now), id)
close_signup(id)
count("due", -1)
count("dead", 1)
chart("dead")
if ARGV[7] == "1" then
  end_probed_holds(id)
elseif ARGV[3] == "" then
  free_probes(id)
end
return standing
