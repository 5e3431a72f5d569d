#!/usr/bin/env python3
"""The main job and what senders can do to it."""
import json
import sys
import time

from harness import (INTERNAL, check, donation, equal, http_target, main, route, sign_github, sign_standard, sign_stripe, wait_until)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def happy_path(fixture):
    """A signed donation reaches email, accounting and CRM."""
    sink = fixture.sink()
    (fixture.folder / "thanks.txt").write_text("Dear {{donor.name}}, thank you.\n")
    gateway = fixture.gateway({
        "sources": {"shop": {"preset": "standard-webhooks", "secrets": [{"$env": "SHOP_SECRET"}], "map": "."}},
        "targets": {
            "crm": http_target(sink.url("/crm")),
            "books": http_target(sink.url("/books")),
            "thanks": {"connector": "email",
                       "settings": {"host": "127.0.0.1", "port": sink.smtp, "tls": "none", "from": "thanks@charity.example",
                                    "subject": "Thank you, {{donor.name}}", "text": "../thanks.txt"}}},
        "routes": route("crm", "books", {"target": "thanks", "after": ["books"]})}, env={"SHOP_SECRET": SECRET})
    body = json.dumps(donation(1)).encode()
    status, reply = gateway.post("shop", body, sign_standard(SECRET, body, "msg_1"))
    equal(status, 202, "status")
    equal(set(reply), {"saga"}, "members of the answer")
    saga = gateway.wait_saga(reply["saga"], "completed")
    equal([s["state"] for s in saga["steps"]], ["succeeded"] * 3, "steps")
    equal(saga["event_id"], "msg_1", "the sender's id")
    for path in ("/crm", "/books"):
        entry = sink.entries(path)[0]
        equal(json.loads(entry["body"])["amount"]["minor"], 2500, "body is the canonical event")
        equal(len(entry["key"]), 32, "idempotency key")
    mails = sink.entries("/smtp")
    equal(len(mails), 1, "one mail")
    check("Anna Example" in json.dumps(mails[0]), "the donor is greeted")
    check("completed" in gateway.cli("saga", "show", reply["saga"]), "show for people")
    gateway.cli("verify")
    gateway.stop()
    gateway.cli("verify")
    equal(gateway.sagas()[0]["state"], "completed", "the store can be read without a daemon")
    gateway.cli_error("saga", "pause", "1", code=4)


def duplicates_in_every_state(fixture):
    sink = fixture.sink()
    gateway = fixture.gateway({"sources": INTERNAL, "targets": {"crm": http_target(sink.url("/crm"), limits={"timeout": "1s"}, retry={"first": "200ms"})},
                             "routes": route("crm")})
    sink.set_behaviour("/crm", {"status": 503, "times": 1}, {"mode": "hang"})
    saga = gateway.accepted("internal", donation(1))
    for n, state in enumerate(("running", "running", "attention")):
        wait_until(state, lambda wanted=state: gateway.saga(saga)["state"] == wanted, 40)
        status, reply = gateway.post("internal", donation(1))
        equal((status, reply), (200, {"saga": saga, "duplicate": True}), "duplicate")
        if state == "running":
            gateway.cli("saga", "resume", saga)
        if n == 1:
            sink.set_behaviour("/crm", {"status": 422})
    sink.set_behaviour("/crm")
    gateway.cli("saga", "resume", saga)
    gateway.wait_saga(saga, "completed")
    equal(gateway.post("internal", donation(1))[1], {"saga": saga, "duplicate": True}, "duplicate at rest")
    # the same gift under another event id is a duplicate, too
    equal(gateway.post("internal", {**donation(1), "id": "other"})[1].get("duplicate"), True, "second gift made")
    equal(len(gateway.sagas()), 1, "one saga")


def signatures(fixture):
    sink = fixture.sink()
    gateway = fixture.gateway({
        "sources": {"stripe": {"preset": "stripe", "secrets": ["old", {"$env": "STRIPE"}]},
                    "svix": {"preset": "standard-webhooks", "secrets": [{"$env": "SVIX"}], "map": "."},
                    "hub": {"preset": "github", "secrets": [{"$env": "HUB"}], "map": '. + {type: "push"}'},
                    "bearer": {"preset": "token", "secrets": [{"$env": "TOKEN"}], "map": "."}},
        "targets": {"crm": http_target(sink.url("/crm"))}, "routes": route("crm")},
        env={"STRIPE": "whsec_test", "SVIX": SECRET, "HUB": "mysecret", "TOKEN": "letmein"})
    session = json.dumps(stripe_event("evt_1", "checkout.session.completed", "pi_1")).encode()
    now = int(time.time())
    for headers, wanted in ((sign_stripe("whsec_test", session), 202), (sign_stripe("wrong", session), 401),
                            (sign_stripe("whsec_test", session, now - 400), 401), (sign_stripe("whsec_test", session, now + 400), 401),
                            (sign_stripe("whsec_test", session + b" "), 401), ({}, 401)):
        status, reply = gateway.post("stripe", session, headers)
        equal(status, wanted, f"stripe {headers}")
        if wanted == 401:
            check(not reply or "signature" not in json.dumps(reply).lower(), "the answer gives no reason")
    both = sign_stripe("whsec_test", session)["Stripe-Signature"].replace("v1=", "v1=00,v0=11,v1=")
    equal(gateway.post("stripe", session, {"Stripe-Signature": both})[0], 200, "several signatures, unknown versions")
    body = json.dumps(donation(7)).encode()
    for prefix in ("webhook", "svix", "Svix"):
        status, _ = gateway.post("svix", body, sign_standard(SECRET, body, "msg_7", prefix=prefix))
        check(status in (200, 202), f"{prefix}: {status}")
    equal(gateway.post("svix", body, sign_standard(SECRET, body, "msg_7", now - 301))[0], 401, "old")
    equal(gateway.post("svix", body, sign_standard(SECRET, body, "msg_7", now + 320))[0], 401, "future")
    equal(gateway.post("hub", body, sign_github("mysecret", body, "d-1"))[0], 202, "github")
    equal(gateway.post("hub", body, sign_github("other", body, "d-2"))[0], 401, "github, wrong")
    equal(gateway.post("bearer", donation(8), {"Authorization": "Bearer letmein"})[0], 202, "token")
    equal(gateway.post("bearer", donation(9), {"Authorization": "Bearer letmeout"})[0], 401, "token, wrong")
    equal(gateway.post("nobody", donation(9))[0], 404, "unknown source")
    check("whsec_test" not in gateway.log() and "letmein" not in gateway.log(), "no secret in the log")
    check("anna@example.org" not in gateway.log(), "no donor in the log")


def stripe_event(number, kind, intent, **more):
    objects = {
        "checkout.session.completed": {"object": "checkout.session", "id": "cs_" + intent, "mode": "payment", "payment_status": "paid",
                                       "payment_intent": intent, "amount_total": 5000, "currency": "eur",
                                       "customer_details": {"email": "anna@example.org", "name": "Anna"}},
        "payment_intent.succeeded": {"object": "payment_intent", "id": intent, "amount_received": 5000, "currency": "eur",
                                     "receipt_email": "anna@example.org"},
        "charge.succeeded": {"object": "charge", "id": "ch_" + intent, "payment_intent": intent, "amount": 5000, "currency": "eur",
                             "billing_details": {"email": "anna@example.org", "name": "Anna"}},
        "charge.updated": {"object": "charge", "id": "ch_" + intent, "payment_intent": intent, "amount": 5000, "currency": "eur",
                           "billing_details": {"email": "anna@example.org", "name": "Anna"}},
    }
    return {"id": number, "object": "event", "type": kind, "created": 1700000000, "data": {"object": {**objects[kind], **more}}}


def stripe_quartet(fixture):
    """The events of one payment, in every order, make one saga."""
    import itertools
    sink = fixture.sink()
    gateway = fixture.gateway({"sources": {"stripe": {"preset": "stripe", "secrets": [{"$env": "STRIPE"}]}},
                             "targets": {"crm": http_target(sink.url("/crm"))}, "routes": route("crm")}, env={"STRIPE": "s"})
    kinds = ("checkout.session.completed", "payment_intent.succeeded", "charge.succeeded", "charge.updated")
    waited = []
    for number, order in enumerate(itertools.permutations(kinds)):
        intent, sagas, made = f"pi_{number}", set(), False
        for place_in, kind in enumerate(order):
            body = json.dumps(stripe_event(f"evt_{number}_{place_in}", kind, intent)).encode()
            status, reply = gateway.post("stripe", body, sign_stripe("s", body))
            equal(status, 202, f"{kind}")
            if kind == kinds[0]:
                made = True
                sagas.add(reply["saga"])
                check("related" not in reply, "the gift itself")
            else:
                equal(reply["related"], True, f"{kind} is a sibling")
                check((reply["saga"] is not None) == made, f"saga of {kind} in {order}: {reply}")
                if made:
                    sagas.add(reply["saga"])
                else:
                    waited.append(f"evt_{number}_{place_in}")
        equal(len(sagas), 1, f"one saga for {order}")
    gateway.wait_all("completed", 24)
    equal(len(gateway.sagas()), 24, "one saga a payment")
    equal(sink.count("/crm"), 24, "one delivery a payment")
    equal(len(gateway.saga(1)["related"]), 3, "siblings are recorded beside it")
    log = gateway.rows("log", "export")
    arrived = [row for row in log if row["subject"] == "related"]
    equal([row["event_id"] for row in arrived], waited, "a sibling that comes first is in the log from its arrival")
    digests = [row["digest"] for row in log if row["subject"] == "saga" and row["record"] == "related"]
    equal(len(digests), 24 * 3, "each is recorded with its saga")
    check({row["digest"] for row in arrived} < set(digests), "those that waited, too, with the same digest")
    equal(gateway.rows("verify")[0]["findings"], 0, "verify")


def quarantine_and_reprocess(fixture):
    sink = fixture.sink()
    config = {"sources": {"internal": {"verify": "none", "map": "{id: .nr, type: \"donation.created\", amount: {minor: .cents, currency: .cur}}"}},
              "targets": {"crm": http_target(sink.url("/crm"))}, "routes": route("crm")}
    gateway = fixture.gateway(config)
    status, reply = gateway.post("internal", {"nr": "a1", "pence": 100, "cur": "gbp"})
    equal((status, reply.get("quarantined")), (202, True), "kept")
    bad = reply["saga"]
    status, reply = gateway.post("internal", b"{not json")
    equal((status, reply.get("quarantined")), (202, True), "not JSON is kept, too")
    saga = gateway.saga(bad)
    equal((saga["state"], saga["reason"]), ("attention", "quarantined"), "needs a person")
    check("amount" in saga["note"], f"the reason names the field: {saga['note']}")
    gateway.cli("event", "reprocess", bad, code=1)  # nothing was fixed yet
    config["sources"]["internal"]["map"] = "{id: .nr, type: \"donation.created\", amount: {minor: .pence, currency: .cur}}"
    gateway.reload(config)
    gateway.cli("event", "reprocess", bad, "--reason", "map fixed")
    gateway.wait_saga(bad, "completed")
    equal(json.loads(sink.entries("/crm")[0]["body"])["amount"]["currency"], "GBP", "currency in upper case")
    check("map fixed" in gateway.cli("saga", "show", bad), "the operator's reason is in the log of the saga")


def reprocessing_a_related_event(fixture):
    """It never takes the gift's place: the gift, when it comes, is a saga and delivered."""
    sink = fixture.sink()
    source = {"verify": "none", "map": ".", "gift": ".gift", "related": ".kind == \"sibling\"",
              "gift_made": "if .kind == \"sibling\" then error(\"not yet\") else .kind == \"made\" end"}
    config = {"sources": {"internal": source}, "targets": {"crm": http_target(sink.url("/crm"))}, "routes": route("crm")}
    gateway = fixture.gateway(config)
    sibling = {"id": "sib-1", "gift": "gift-1", "kind": "sibling", "type": "charge"}
    bad = gateway.accepted("internal", sibling)
    equal(gateway.saga(bad)["reason"], "quarantined", "kept")
    source["gift_made"] = ".kind == \"made\""
    gateway.reload(config)
    text = gateway.cli_error("event", "reprocess", bad, code=1)
    check("has not come" in text and "saga cancel" in text, f"says what to do: {text}")
    gift = gateway.accepted("internal", donation(1, kind="made"))
    check(gift != bad, "a saga of its own")
    gateway.wait_saga(gift, "completed")
    equal(sink.count("/crm"), 1, "delivered")
    text = gateway.cli_error("event", "reprocess", bad, code=1)
    check(f"saga {gift}" in text, f"names the gift's saga: {text}")
    gateway.cli("saga", "cancel", bad)
    gateway.wait_saga(bad, "cancelled")


def reprocessing_and_repeats(fixture):
    """One event, one saga, whichever comes first: the person who maps it again or the sender who sends it again."""
    sink = fixture.sink()
    source = {"verify": "none", "map": "{id: .nr, type: \"donation.created\", amount: {minor: .cents, currency: .cur}}"}
    config = {"sources": {"internal": source}, "targets": {"crm": http_target(sink.url("/crm"))}, "routes": route("crm")}
    gateway = fixture.gateway(config)
    first, second = ({"nr": f"a{n}", "pence": 100, "cur": "gbp"} for n in (1, 2))
    one, two = gateway.accepted("internal", first), gateway.accepted("internal", second)
    source["map"] = source["map"].replace(".cents", ".pence")
    gateway.reload(config)
    again = gateway.accepted("internal", first)
    check(again != one, "now usable: a saga")
    text = gateway.cli_error("event", "reprocess", one, code=1)
    check(f"saga {again} already" in text, f"refused: {text}")
    gateway.cli("event", "reprocess", two)
    equal(gateway.saga(two)["event_id"], "a2", "the id the map gives")
    status, reply = gateway.post("internal", second)
    equal((status, reply["saga"], reply["duplicate"]), (200, two, True), "known by it")
    gateway.wait_saga(again, "completed")
    gateway.wait_saga(two, "completed")
    equal(sink.count("/crm"), 2, "one delivery each")


def unrouted(fixture):
    gateway = fixture.gateway({"sources": INTERNAL, "targets": {}, "routes": []})
    status, reply = gateway.post("internal", donation(1))
    equal((status, reply.get("unrouted")), (202, True), "kept and said")
    equal(gateway.saga(reply["saga"])["state"], "unrouted", "state")


if __name__ == "__main__":
    sys.exit(main([happy_path, duplicates_in_every_state, signatures, stripe_quartet, quarantine_and_reprocess, reprocessing_a_related_event,
                   reprocessing_and_repeats, unrouted]))
