-- Has a person's line go on if nobody can read the record of its head, which becomes a dead letter.
-- Safe to repeat.
--
-- KEY account  prefix of the account's keys
-- ARG person  text  fingerprint of the person
-- INCLUDE lines
--
-- Returns 1.

mend_line(person)
return 1
