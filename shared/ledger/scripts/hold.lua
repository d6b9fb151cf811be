--@include _base _holds
-- Begins a hold on an account or its API key, or goes on with the one that stands.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> "account" or "key", ARGV[2] -> reason, ARGV[3] -> "midnight" when it ends by itself
-- at 00:00 UTC, else "", ARGV[4] -> ms to the first probe or "", ARGV[5] -> longest ms between
-- probes, ARGV[6] -> by whom, ARGV[7] -> note, ARGV[8] -> jitter in [0, 1)
--
-- Returns 1 when the hold is new, 0 when it stood already.
local prefix = ARGV[1] == "key" and K or A
redis.call("SADD", K .. "accounts", A)
each_hold(function() end) -- what is over ends, and does not go on
local new = 1 - redis.call("HEXISTS", prefix .. "holds", ARGV[2])
local ends_at, first_probe = nil, tonumber(ARGV[4])
if ARGV[3] == "midnight" then
  ends_at = next_midnight(tonumber(ARGV[8]))
  -- Near midnight the API's clock may have its day end a little before or after ours.
  if new == 1 and math.min(now % DAY, DAY - now % DAY) < 900000 then
    first_probe = 300000
  end
end
begin_hold(prefix, ARGV[2], ends_at, first_probe, tonumber(ARGV[5]), ARGV[6], ARGV[7])
return new
