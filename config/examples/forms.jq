# The data of the form on the web site → canonical donation event. The amount stays a decimal text, because jq would
# calculate with inexact numbers.
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
