-- Tells whether a lane would find work: something is due and no hold forbids to look.
--
-- KEY account  prefix of the account's keys
-- INCLUDE holds lines
--
-- Returns 1 or 0.

if forbidding_hold() then
  return 0
end
for _, queue in ipairs({ "fresh", "retry", "replay" }) do
  if first_due(queue) then
    return 1
  end
end
return 0
