# {type, timestamp, data} → canonical event: the members of `data`, with the sender's type and time. The id in `data`
# becomes the name of the gift; the id of the event is in a header. Without `data` the body itself is the event.
(if (.data | type) == "object" then .data elif has("data") then {} else del(.id) end) as $data
| ($data | del(.id))
  + { type: .type, occurred_at: (.timestamp // $data.occurred_at), gift: ($data.gift // $data.id) }
| with_entries(select(.value != null))
