-- Tells whether a lane would find work: something is due and no hold forbids to look.
--
-- KEY account  prefix of the account's keys
-- INCLUDE holds lines
--
-- Returns 1 or 0.

return not forbidding_hold() and anything_due() and 1 or 0
