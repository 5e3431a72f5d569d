# True for events that accompany a gift. Drafts and failures of invoices are left out, because their gift may come
# days later or never. Before API version 2025-03-31 the checkout of a subscription contains only the invoice, while
# the gift is named by the payment intent of the invoice: they cannot be linked, and the
# checkout stays an event of its own.
.data.object as $o
| ((.type // "") | (startswith("payment_intent.") or startswith("charge.") or startswith("refund.")
            or startswith("invoice_payment.")))
  or .type == "invoice.payment_succeeded"
  or (.type == "checkout.session.async_payment_succeeded")
  or (.type == "checkout.session.completed"
      and ($o.mode == "payment"
           or ($o.mode == "subscription"
               and ($o.payment_intent != null or (.api_version // "9999") >= "2025-03-31"))))
