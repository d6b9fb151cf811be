--@include _base _holds _lines _settle _outage
-- Settles a claim: the sign-up becomes a dead letter, with its reason. Safe to repeat.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> id, ARGV[2] -> claim number, ARGV[3] -> attempt (JSON) or "" when none was made,
-- ARGV[4] -> reason, ARGV[5] -> error_key, ARGV[6] -> message,
-- ARGV[7] -> "1" when the answer shows that the account itself is well,
-- ARGV[8] -> "" unless the API itself failed: then ms to the first probe of the outage that this
-- may be, ARGV[9] -> longest ms between its probes
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
make_dead(id, reason, ARGV[5], ARGV[6])
if ARGV[7] == "1" then
  end_failures()
  end_probed_holds(id)
elseif ARGV[8] ~= "" then
  note_failure(id, tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[6])
elseif ARGV[3] == "" then
  free_probes(id)
end
return standing
