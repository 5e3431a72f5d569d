# What our form sends → canonical donation event. The amount is a decimal text; it is never calculated with here.
{
  id: .submission,
  type: "donation.created",
  occurred_at: .submitted_at,
  donor: ({
    id: .member_number,
    email: .email,
    name: ([.first_name, .last_name] | map(select(. != null and . != "")) | join(" ")),
    phone: .phone
  } | with_entries(select(.value != null and .value != ""))),
  amount: { value: .amount, currency: (.currency // "EUR") },
  fund: .fund,
  campaign: .campaign,
  recurring: (.every == "month"),
  note: .message
}
| with_entries(select(.value != null))
