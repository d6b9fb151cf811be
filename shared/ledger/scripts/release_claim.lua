--@include _base _holds _lines _settle
-- Gives a claim back: what went wrong was not the sign-up's fault. It is due again at once, in
-- its old place; no attempt is counted, but what happened is remembered. Safe to repeat.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> id, ARGV[2] -> claim number, ARGV[3] -> attempt (JSON) or ""
--
-- Returns "open" when this call settled it, "settled" when an earlier one had, "superseded".
local id = ARGV[1]
local standing = fence(id, ARGV[2])
if standing ~= "open" then
  return standing
end

close_claim(id)
remember_attempt(id, ARGV[3])
local before = redis.call("HMGET", signup(id), "state_before", "due_before", "queue")
redis.call("HSET", signup(id), "state", before[1])
redis.call("ZADD", due_set(before[3]), before[2], id)
if ARGV[3] == "" then
  free_probes(id)
end
return standing
