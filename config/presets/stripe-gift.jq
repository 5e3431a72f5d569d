# The name of the gift that an event is about: payment intent, else invoice, else checkout session, whichever the
# payload contains. A member may be an id or, expanded, the object itself.
def ref: if type == "object" then .id else . end;
.data.object
| if .object == "payment_intent" then .id
  elif .object == "checkout.session" then (.payment_intent | ref) // (.invoice | ref) // .id
  elif .object == "invoice" then
    (.payment_intent | ref)
    // first(.payments.data[]? | .payment.payment_intent | ref | select(. != null))
    // .id
  elif .object == "invoice_payment" then (.invoice | ref)
  elif .object == "charge" then (.payment_intent | ref) // (.invoice | ref) // .id
  elif .object == "refund" or .object == "dispute" then (.payment_intent | ref) // (.charge | ref)
  else null end
