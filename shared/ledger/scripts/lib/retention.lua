-- How long records are kept. All retention counts from when it was switched on, so that the first
-- start with it clears nothing at once. What is kept is named by its state, or `consent` for its
-- evidence and `addresses` for visitors' network addresses.
--
-- NEEDS retention

-- Returns up to which time (ms) all is over at the time `at` that is kept for so long; nil if
-- nothing is over then.
local function over_before(name, kept, at)
  local since = tonumber(redis.call("HGET", retention, name) or nil)
  return since and since + kept <= at and at - kept or nil
end
