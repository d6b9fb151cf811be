-- Stores a form, if it is stored as the caller has read it, or not at all.
--
-- KEY forms  relay:forms
-- ARG name  text  of the form
-- ARG before  text?  the record as it was read; without it there must be none
-- ARG saved  text  the new record
--
-- Returns 1, or 0 when somebody has changed, added or removed the form meanwhile.

local stored = redis.call("HGET", forms, name) or nil
if stored == saved then
  return 1 -- a repeat, whose answer was lost
elseif stored ~= before then
  return 0
end
redis.call("HSET", forms, name, saved)
return 1
