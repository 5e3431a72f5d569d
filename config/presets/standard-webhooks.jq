# {type, timestamp, data} → canonical event: the members of `data` with the sender's type and time. The id of what
# `data` tells of names the gift; the event's own id stands in a header. Without `data` the body is the event.
(if (.data | type) == "object" then .data elif has("data") then {} else del(.id) end) as $data
| ($data | del(.id))
  + { type: .type, occurred_at: (.timestamp // $data.occurred_at), gift: ($data.gift // $data.id) }
| with_entries(select(.value != null))
