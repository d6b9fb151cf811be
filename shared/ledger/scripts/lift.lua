--@include _base _holds
-- Ends one hold, because its cause is gone.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> "account" or "key", ARGV[2] -> reason
--
-- Returns 1 when it stood, 0 when it did not.
local prefix = ARGV[1] == "key" and K or A
local stood = redis.call("HEXISTS", prefix .. "holds", ARGV[2])
end_hold(prefix, ARGV[2])
return stood
