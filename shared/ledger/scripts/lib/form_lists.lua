-- Sending a sign-up to other lists than it was accepted for: to those that a job has for its form.
--
-- NEEDS account
-- INCLUDE clock stored record

-- Gives the sign-up these lists (a JSON list of ids). If they are new to it, this is an edit, and
-- its history gets one by `who` (`by` and `via`). Returns whether it has them now: what a later
-- version stored may have its lists elsewhere. The caller saves the record.
local function give_lists(record, lists, who)
  local sent, consent, history = sent_consent_history(record)
  local stored, rest = string.match(sent, "^{.lists.:%s*(%b[])(.*)$")
  local is_list, before = pcall(table.concat, decoded(stored), ", ")
  if not is_list then
    return false
  end
  if before ~= table.concat(cjson.decode(lists), ", ") then
    write_lines(record, '{"lists":' .. lists .. rest, consent, history)
    record.edits = (record.edits or 0) + 1
    local event = { event = "edited", at = now, fields = { "lists" }, before = { lists = before } }
    event.counted, event.by, event.via = false, who.by, who.via
    remember(record, cjson.encode(event))
  end
  return true
end
