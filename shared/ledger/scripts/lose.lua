--@include _base _holds _lines _settle
-- Settles a claim: something unforeseen happened to the sign-up in its worker. It is due again
-- after a while, and `poison` when that was the last claim it may lose. Safe to repeat.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> id, ARGV[2] -> claim number, ARGV[3] -> what happened, ARGV[4] -> ms to wait
--
-- Returns "open" when this call settled it, "settled" when an earlier one had, "superseded".
local id, cause = ARGV[1], ARGV[3]
local standing = fence(id, ARGV[2])
if standing ~= "open" then
  return standing
end

close_claim(id)
free_probes(id)
if count_lost(id, cause) >= MOST_LOST then
  poison(id, cause)
else
  local before = redis.call("HMGET", signup(id), "state_before", "queue")
  redis.call("HSET", signup(id), "state", before[1])
  redis.call("ZADD", due_set(before[2]), text(now + tonumber(ARGV[4])), id)
end
return standing
