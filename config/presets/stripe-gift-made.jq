# True when money was paid: a paid checkout, a checkout that was paid later, or a paid invoice (each renewal of a
# subscription is a gift of its own). The checkout that begins a subscription is no gift; its first invoice is.
.data.object as $o
| (.type == "checkout.session.completed" and $o.mode == "payment" and $o.payment_status == "paid")
  or (.type == "checkout.session.async_payment_succeeded" and $o.mode != "subscription")
  or .type == "invoice.paid"
