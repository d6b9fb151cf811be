-- How long the API calls of a claim took.
--
-- NEEDS account calls took
-- INCLUDE account stored

-- Counts the claim's calls, once: in all for the metrics, and in this minute for the charts. `took`
-- has, by the names of `shared/domain/call_times.py`, how many calls ended in which time, and `ms`.
local function count_calls()
  local number = 0
  for name, by in pairs(took) do
    add_to(calls, name, by)
    number = number + (name == "ms" and 0 or by)
  end
  if number > 0 then
    chart("calls", number)
    chart("call_ms", took.ms)
  end
end
