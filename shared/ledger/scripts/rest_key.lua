-- Lets an API key rest: no slot begins before the time is over.
--
-- KEYS[1] -> relay:{key}:
-- ARGV[1] -> ms to rest, ARGV[2] -> ms to go slower afterwards, 0 for not at all
--
-- Returns 1.
--@include _clock
local K = KEYS[1]
--@include _pace
rest(tonumber(ARGV[1]), tonumber(ARGV[2]))
return 1
