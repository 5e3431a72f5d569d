# Stripe event → canonical donation event.
def ref: if type == "object" then .id else . end;
def filled: with_entries(select(.value != null and .value != "" and .value != {}));
def made:
  .data.object as $o
  | (.type == "checkout.session.completed" and $o.mode == "payment" and $o.payment_status == "paid")
    or (.type == "checkout.session.async_payment_succeeded" and $o.mode != "subscription")
    or .type == "invoice.paid";
def canonical_type:
  if made then "donation.created"
  elif .type == "charge.refunded" or .type == "charge.refund.updated" or (.type | startswith("refund."))
    then "donation.refunded"
  elif .type | startswith("charge.dispute.") then "donation.disputed"
  elif .type == "payment_intent.payment_failed" or .type == "charge.failed" or .type == "invoice.payment_failed"
    or .type == "checkout.session.async_payment_failed" then "donation.failed"
  elif .type == "customer.updated" then "donor.updated"
  else .type end;
# Stripe gives amounts of these two currencies in hundredths, although the currencies have no minor unit.
def minor($currency):
  if . != null and ($currency == "ISK" or $currency == "UGX") then . / 100 else . end;
def sum_of($event_type):
  if .object == "checkout.session" then .amount_total
  elif .object == "payment_intent" then (if (.amount_received // 0) > 0 then .amount_received else .amount end)
  elif .object == "invoice" then (if $event_type == "invoice.paid" then .amount_paid else .amount_due end)
  elif .object == "charge" then (if $event_type == "charge.refunded" then .amount_refunded else .amount end)
  else .amount end;
def custom: [(.custom_fields // [])[]
             | {key, value: (.text.value // .dropdown.value // .numeric.value)}] | from_entries;
def person($details):
  {
    id: (if .object == "customer" then .id else (.customer | ref) end),
    email: ($details.email // .customer_email // .receipt_email // .email),
    name: ($details.name // .customer_name // .name // .shipping.name),
    phone: ($details.phone // .customer_phone // .phone),
    address: (($details.address // .customer_address // .address // {}) | filled)
  } | filled;

. as $event
| .data.object as $o
| (($o.subscription_details.metadata // {}) + ($o.parent.subscription_details.metadata // {})
   + ($o.metadata // {}) + ($o | custom) | filled) as $extra
| (($o.currency // "") | ascii_upcase) as $currency
| {
    id: .id,
    type: canonical_type,
    occurred_at: (if .created then (.created | todate) else null end),
    donor: ($o | person(.customer_details // .billing_details // {})),
    amount: ({ minor: ($o | sum_of($event.type) | minor($currency)), currency: $currency } | filled),
    fund: ($extra.fund // $extra.designation),
    campaign: $extra.campaign,
    recurring: (if $o.object == "invoice" then (($o.billing_reason // "") | startswith("subscription"))
                elif $o.object == "checkout.session" then $o.mode == "subscription"
                else null end),
    note: $o.description,
    metadata: $extra,
    platform: { name: "stripe", type: .type, object: ($o.id // null), livemode: .livemode }
  }
| filled
