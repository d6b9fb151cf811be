-- Gives the record of a sign-up today's format. Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- ARG id  text  of the sign-up
-- INCLUDE record
--
-- Returns 1.

load_record(id)
return 1
