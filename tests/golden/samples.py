"""One event of each sample of each shipped preset. The payloads are those of tests/unit/config/test_presets.c,
tests/unit/intake/test_stripe.c and tests/scenario/happy.py, each with ids of its own, so that none is a repeat of another."""
import json

ANNA = {"email": "anna@example.org", "name": "Anna"}
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SOURCES = {
    "stripe": {"preset": "stripe", "secrets": ["whsec_test"]},
    "standard": {"preset": "standard-webhooks", "secrets": [STANDARD_SECRET]},
    "plain": {"preset": "standard-webhooks", "secrets": [STANDARD_SECRET], "map": "."},
    "github": {"preset": "github", "secrets": ["mysecret"]},
    "hmac": {"preset": "hmac", "secrets": ["shared"]},
    "token": {"preset": "token", "secrets": ["letmein"]},
    "none": {"preset": "none"},
}


def session(**more):
    return {"object": "checkout.session", "id": "cs_N", "amount_total": 2500, "currency": "eur", "customer_details": ANNA, **more}


def intent(**more):
    return {"object": "payment_intent", "id": "pi_N", "amount": 2500, "amount_received": 2500, "currency": "eur", **more}


def charge(**more):
    return {"object": "charge", "id": "ch_N", "amount": 2500, "currency": "eur", **more}


def invoice(**more):
    return {"object": "invoice", "id": "in_N", "amount_paid": 2500, "currency": "eur", "customer_email": "anna@example.org", **more}


PAID = {"mode": "payment", "payment_status": "paid"}
LISTED = {"data": [{"payment": {"type": "payment_intent", "payment_intent": "pi_N"}}]}
DONATION_PAGE = session(**PAID, customer="cus_N", metadata={"fund": "Wells"},
                        customer_details={"email": "ada@example.org", "name": "Ada", "phone": None, "address": {"city": "London", "line2": None}},
                        custom_fields=[{"key": "campaign", "type": "text", "text": {"value": "Spring"}}])
STRIPE = [  # type, object; N is the number of the payment
    ("checkout.session.completed", session(**PAID, payment_intent="pi_N", invoice=None)),
    ("checkout.session.completed", session(mode="payment", payment_status="unpaid", payment_intent="pi_N")),
    ("checkout.session.async_payment_succeeded", session(**PAID, payment_intent="pi_N")),
    ("checkout.session.completed", session(mode="subscription", payment_status="paid", payment_intent=None, invoice="in_N")),
    ("checkout.session.completed", session(mode="setup", payment_status="no_payment_required")),
    ("checkout.session.expired", session(mode="payment")),
    ("checkout.session.completed", session(**PAID, payment_intent={"id": "pi_N"})),
    ("checkout.session.completed", DONATION_PAGE),
    ("payment_intent.created", intent()),
    ("payment_intent.succeeded", intent()),
    ("payment_intent.succeeded", intent(receipt_email="anna@example.org")),
    ("payment_intent.payment_failed", intent(amount=5, amount_received=0, currency="jpy")),
    ("charge.succeeded", charge(payment_intent="pi_N", billing_details=ANNA)),
    ("charge.updated", charge(payment_intent="pi_N", billing_details=ANNA)),
    ("charge.refunded", charge(payment_intent="pi_N", amount=900, amount_refunded=300, currency="usd")),
    ("charge.succeeded", charge(invoice="in_N")),
    ("charge.succeeded", charge()),
    ("charge.dispute.created", {"object": "dispute", "id": "dp_N", "charge": "ch_N", "payment_intent": "pi_N", "amount": 900, "currency": "usd"}),
    ("refund.created", {"object": "refund", "id": "re_N", "payment_intent": "pi_N", "amount": 900, "currency": "usd"}),
    ("invoice.paid", invoice(payment_intent="pi_N")),
    ("invoice.paid", invoice(payments=LISTED)),
    ("invoice.paid", invoice()),
    ("invoice.paid", invoice(amount_paid=700, amount_due=900, currency="usd", billing_reason="subscription_cycle")),
    ("invoice.paid", invoice(amount_paid=50000, currency="isk")),
    ("invoice_payment.paid", {"object": "invoice_payment", "id": "inpay_N", "invoice": "in_N"}),
    ("invoice.created", {"object": "invoice", "id": "in_N"}),
    ("customer.updated", {"object": "customer", "id": "cus_N"}),
    ("plan.created", {"object": "plan", "id": "plan_N"}),
]
# The events of one payment, in two orders: the gift first, and last.
ONE_PAYMENT = [
    ("checkout.session.completed", session(**PAID, payment_intent="pi_N")),
    ("payment_intent.succeeded", intent()),
    ("charge.succeeded", charge(payment_intent="pi_N")),
    ("invoice.paid", invoice(payment_intent="pi_N")),
]


def stripe_requests():
    listed = [(str(n), *sample, {}) for n, sample in enumerate(STRIPE)]
    listed += [("old", "checkout.session.completed", session(mode="subscription", invoice="in_N", payment_status="paid"), {"api_version": "2024-06-20"})]
    listed += [("first", *sample, {}) for sample in ONE_PAYMENT] + [("last", *sample, {}) for sample in reversed(ONE_PAYMENT)]
    for n, (payment, kind, inside, more) in enumerate(listed):
        event = {"id": f"evt_{n}", "object": "event", "type": kind, "created": 1700000000, **more, "data": {"object": inside}}
        yield "stripe", {}, json.dumps(event).replace("_N\"", f"_{payment}\"")


def donation(name):
    return {"id": f"ev-{name}", "type": "donation.created", "gift": f"gift-{name}", "donor": {"email": "anna@example.org", "name": "Anna Example"},
            "amount": {"minor": 2500, "currency": "EUR"}}


def sponsorship(number, action="created", **tier):
    return {"action": action, "sponsorship": {
        "node_id": f"n{number}", "created_at": "2026-01-02T03:04:05Z", "sponsor": {"login": "ada"}, "sponsorable": {"login": "wells"},
        "tier": {"monthly_price_in_cents": 500, "name": "$5 a month", "is_one_time": False, **tier}}}


def other_requests():
    bodies = [{"type": "donation.created", "timestamp": "2026-01-02T03:04:05Z",
               "data": {"id": "g1", "amount": {"value": "10.50", "currency": "EUR"}, "extra": 1}},
              {"type": "ping"}, {"type": "t", "id": "e", "fund": "f"}, {"type": "t", "data": None}]
    for n, body in enumerate(bodies):
        yield "standard", {"webhook-id": f"msg_{n}"}, json.dumps(body)
    yield "plain", {"webhook-id": "msg_7"}, json.dumps(donation("standard"))
    hub = [("sponsorship", sponsorship(1)), ("sponsorship", sponsorship(2, is_one_time=True)), ("sponsorship", sponsorship(1, "edited")),
           ("sponsorship", sponsorship(1, "tier_changed", monthly_price_in_cents=900)), ("sponsorship", sponsorship(1, "cancelled")),
           ("ping", {"zen": "Keep it simple"})]
    for n, (kind, body) in enumerate(hub):
        yield "github", {"X-GitHub-Delivery": f"d-{n}", "X-GitHub-Event": kind}, json.dumps(body)
    for source in ("hmac", "token", "none"):
        yield source, {}, json.dumps(donation(source))
    yield "none", {}, json.dumps({"id": "ev-bad", "type": "donation.created"})
    yield "none", {}, "{not json"


def all_requests():
    for source, headers, body in (*stripe_requests(), *other_requests()):
        yield {"source": source, "headers": headers, "body": body}
