# {type, timestamp, data} → canonical event: the members of `data` with the sender's type and time. The id of what
# `data` tells of names the gift; the event's own id stands in a header.
(if (.data | type) == "object" then .data else {} end) as $data
| ($data | del(.id))
  + { type: .type, occurred_at: (.timestamp // $data.occurred_at), gift: ($data.gift // $data.id) }
| with_entries(select(.value != null))
