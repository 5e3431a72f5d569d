#!/usr/bin/env python3
"""A wrong secret for a platform that delivers once: rejected requests are stored, and accepted after the secret is fixed."""
import json
import sqlite3
import sys
import time

from harness import check, equal, http_target, main, route, sign_stripe, wait_until


RIGHT, WRONG = "whsec_right", "whsec_wrong"


def config(secret, sink=None, **more):
    forms = {"verify": {"scheme": "hmac", "header": "Stripe-Signature", "element_separator": ",", "key_separator": "=",
                        "signature_element": "v1", "timestamp_element": "t", "signed_string": "{timestamp}.{body}", "tolerance": "5m"},
             "secrets": [secret], "map": ".", "keep_refused": "1MiB", **more}
    whole = {"sources": {"forms": forms}, "alerts": {"window": "1s"}}
    if sink is not None:
        whole.update(targets={"crm": http_target(sink.url("/crm"))}, routes=route("crm"))
    return whole


def body(n, **more):
    return json.dumps({"id": f"ev-{n}", "type": "donation.created", "gift": f"g-{n}", "donor": {"email": f"d{n}@example.org"},
                       "amount": {"minor": 100, "currency": "EUR"}, **more}).encode()


def send_rejected(gateway, n, secret=RIGHT, **more):
    raw = body(n)
    equal(gateway.post("forms", raw, sign_stripe(secret, raw, **more))[0], 401, "refused")


def stored(gateway, count):
    return wait_until(f"{count} kept", lambda: (rows := gateway.rows("refused", "list")) and len(rows) == count and rows)


def stored_events(gateway):
    """The events of the stored requests, oldest first, by one read of the store: between `list` and `show` a request may be deleted."""
    store = sqlite3.connect(f"file:{gateway.folder}/almoner.db?mode=ro", uri=True)
    bodies = [row[0][1:] for row in store.execute("SELECT body FROM refused ORDER BY id")]  # behind the envelope byte
    store.close()
    return [json.loads(raw)["id"] for raw in bodies]


def replay_after_fix(fixture):
    """A hundred events were rejected: a replay accepts each of them once and records who did it; a request with a forged signature stays."""
    sink = fixture.sink()
    gateway = fixture.gateway(config(WRONG, sink))
    for n in range(100):
        send_rejected(gateway, n)
    send_rejected(gateway, 200, "forged")
    send_rejected(gateway, 201, at=int(time.time()) - 3600)  # signed, but old when it came
    rows = stored(gateway, 102)
    equal(rows[0]["source"], "forms", "of which source")
    shown = gateway.rows("refused", "show", rows[0]["id"])[0]
    equal(json.loads(shown["raw"])["id"], "ev-0", "as it came")
    check("Stripe-Signature" in shown["headers"], "with its headers")
    check("d0@example.org" in gateway.cli("refused", "show", rows[0]["id"]), "for people, too")
    gateway.cli_error("refused", "show", 9999, code=3)
    check("0 of 102" in gateway.cli("refused", "replay", "--all", "--yes"), "none is valid before the secret is fixed")
    gateway.kill()  # they are on disk
    gateway.start()
    gateway.reload(config(RIGHT, sink))
    check("100 of 102 refused requests would be accepted" in gateway.cli("refused", "replay", "--all", "--dry-run"), "the count first")
    equal(gateway.sagas(), [], "a dry run changes nothing")
    gateway.cli_error("refused", "replay", "--all", code=1)  # not on a terminal
    gateway.cli_error("refused", "replay", code=2)
    printed = gateway.cli("refused", "replay", "--source", "forms", "--yes", "--reason", "secret fixed")
    check("100 accepted" in printed and "2 stay refused and stored" in printed, printed)
    gateway.wait_all("completed", 100)
    equal(sink.stats("/crm")["duplicates"], 0, "each once")
    equal(sink.count("/crm"), 100, "all of them")
    equal(len(stored(gateway, 2)), 2, "the others stay")
    saga = gateway.saga(gateway.sagas()[0]["id"])
    record = next(r for r in saga["log"] if r["record"] == "verb")
    equal((record["verb"], record["note"]), ("replay", "secret fixed"), "recorded at the saga")
    check("uid" in record["actor"], "by whom")
    check("replay" in gateway.cli("saga", "show", saga["id"]), "and shown")
    check(any("refused_replayed" in json.dumps(r) for r in gateway.rows("log", "export")), "and at the daemon")
    raw = body(7)
    equal(gateway.post("forms", raw, sign_stripe(RIGHT, raw))[1].get("duplicate"), True, "the platform's own repeat is a duplicate")
    check("0 accepted" not in gateway.cli("refused", "replay", "--all", "--yes"), "nothing fits any more: no verb is done")
    gateway.stop()
    equal(len(gateway.rows("refused", "list")), 2, "also without a daemon")
    gateway.cli("verify")


def later_event_is_duplicate(fixture):
    gateway = fixture.gateway(config(WRONG))
    send_rejected(gateway, 1)
    send_rejected(gateway, 2)
    rows = stored(gateway, 2)
    gateway.reload(config(RIGHT))
    raw = body(1)
    saga = gateway.accepted("forms", raw, sign_stripe(RIGHT, raw))
    lines = gateway.rows("refused", "replay", rows[0]["id"], "--yes")
    equal((lines[0]["saga"], lines[0]["duplicate"], lines[-1]["duplicates"]), (saga, True, 1), "it has its saga")
    lines = gateway.rows("refused", "replay", rows[1]["id"], "--yes")
    equal((lines[0]["duplicate"], lines[-1]["accepted"]), (False, 1), "one by its number")
    wait_until("none are kept", lambda: gateway.rows("refused", "list") == [])
    gateway.cli_error("refused", "replay", rows[0]["id"], "--yes", code=1)


def bounded(fixture):
    """Off by default. Bounded by bytes, where the oldest requests are deleted, and by age."""
    gateway = fixture.gateway(config(WRONG, keep_refused="0"))
    send_rejected(gateway, 1)
    equal(gateway.rows("refused", "list"), [], "none are kept unless wanted")
    check("keep_refused" in gateway.cli("refused", "list"), "and it says so")
    gateway.reload(config(WRONG, keep_refused="64KiB"))
    for n in range(30):
        raw = body(n, text="x" * 10000)
        equal(gateway.post("forms", raw, sign_stripe(RIGHT, raw))[0], 401, "refused")
    wait_until("the last one is stored", lambda: stored_events(gateway)[-1:] == ["ev-29"])
    equal(stored_events(gateway), [f"ev-{n}" for n in range(24, 30)], "the newest ones are stored")
    rows = gateway.rows("refused", "list")
    check(sum(r["body_bytes"] for r in rows) < 65536 and len(rows) == 6, f"{len(rows)} stored within 64 KiB")
    gateway.reload(config(WRONG, keep_refused="64KiB", keep_refused_for="3s"))
    send_rejected(gateway, 50)
    wait_until("the request with the short time is stored", lambda: "ev-50" in stored_events(gateway))
    wait_until("it is deleted when its time is over", lambda: "ev-50" not in stored_events(gateway), 40)


def flood_is_bounded(fixture):
    """Of large bodies only a few MiB a second are stored, so that a flood cannot fill the store."""
    gateway = fixture.gateway(config(WRONG, keep_refused="64MiB"))
    began = time.monotonic()
    for n in range(60):
        equal(gateway.post("forms", body(n, text="x" * 1000000), {"Stripe-Signature": "t=1,v1=00"})[0], 401, "refused")
    seconds = time.monotonic() - began
    counts = gateway.admin("GET", "/v1/status")["intake"]["sources"]["forms"]
    equal(counts["unverified"], 60, "each is counted")
    check(1 <= counts["kept"] <= min(59, (seconds + 2) * 5), f"{counts['kept']} kept in {seconds:.1f} s")
    gateway.stop()
    rows = sqlite3.connect(f"file:{gateway.folder}/almoner.db?mode=ro", uri=True).execute("SELECT count(*) FROM refused").fetchone()[0]
    equal(rows, counts["kept"], "as many as it says")


if __name__ == "__main__":
    sys.exit(main([replay_after_fix, later_event_is_duplicate, bounded, flood_is_bounded]))
