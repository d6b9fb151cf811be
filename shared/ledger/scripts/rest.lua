--@include _base _pace
-- Lets the API key of an account rest: no slot begins before the time is over.
--
-- KEYS[1] -> relay:{A}:
-- ARGV[1] -> ms to rest, ARGV[2] -> ms to go slower afterwards, 0 for not at all
--
-- Returns 1.
rest(tonumber(ARGV[1]), tonumber(ARGV[2]))
return 1
