# Money has come: a paid checkout, a delayed one that has now been paid, or an invoice (each renewal is a gift of
# its own). The checkout that begins a subscription is not counted: its first invoice is.
.data.object as $o
| (.type == "checkout.session.completed" and $o.mode == "payment" and $o.payment_status == "paid")
  or (.type == "checkout.session.async_payment_succeeded" and $o.mode != "subscription")
  or .type == "invoice.paid"
