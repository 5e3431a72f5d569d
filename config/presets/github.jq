# A sponsorship → canonical donation event. Every other event is passed on unchanged; its type is in a header.
if .sponsorship == null then .
else
  .sponsorship as $s
  | {
      type: (if .action == "created" then "donation.created" else "donation.updated" end),
      occurred_at: $s.created_at,
      donor: ({ id: $s.sponsor.login, name: ($s.sponsor.name // $s.sponsor.login), email: $s.sponsor.email }
              | with_entries(select(.value != null))),
      amount: { minor: $s.tier.monthly_price_in_cents, currency: "USD" },
      recurring: ($s.tier.is_one_time != true),
      fund: ($s.sponsorable.login // .sponsorable.login),
      note: $s.tier.name,
      platform: { name: "github", action: .action, object: $s.node_id }
    }
  | with_entries(select(.value != null))
end
