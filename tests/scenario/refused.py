#!/usr/bin/env python3
"""A wrong secret on a platform that delivers once: what was refused is kept, and taken in once the secret is mended."""
import json
import sqlite3
import sys
import time

from harness import check, equal, http_target, main, route, sign_stripe, until


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


def refuse(gateway, n, secret=RIGHT, **more):
    raw = body(n)
    equal(gateway.post("forms", raw, sign_stripe(secret, raw, **more))[0], 401, "refused")


def kept(gateway, count):
    return until(f"{count} kept", lambda: (rows := gateway.rows("refused", "list")) and len(rows) == count and rows)


def replay_after_mending(place):
    """A hundred donors refused: all in, by name of who did it, each once; what nobody signed stays."""
    sink = place.sink()
    gateway = place.gateway(config(WRONG, sink))
    for n in range(100):
        refuse(gateway, n)
    refuse(gateway, 200, "nobody's")
    refuse(gateway, 201, at=int(time.time()) - 3600)  # signed, but old when it came
    rows = kept(gateway, 102)
    equal(rows[0]["source"], "forms", "of which source")
    shown = gateway.rows("refused", "show", rows[0]["id"])[0]
    equal(json.loads(shown["raw"])["id"], "ev-0", "as it came")
    check("Stripe-Signature" in shown["headers"], "with its headers")
    check("d0@example.org" in gateway.cli("refused", "show", rows[0]["id"]), "for people, too")
    gateway.cli_error("refused", "show", 9999, code=3)
    check("0 of 102" in gateway.cli("refused", "replay", "--all", "--yes"), "none fits before the secret is mended")
    gateway.kill()  # they are on disk
    gateway.start()
    gateway.reload(config(RIGHT, sink))
    check("100 of 102 refused requests would be accepted" in gateway.cli("refused", "replay", "--all", "--dry-run"), "the count first")
    equal(gateway.sagas(), [], "a dry run changes nothing")
    gateway.cli_error("refused", "replay", "--all", code=1)  # not on a terminal
    gateway.cli_error("refused", "replay", code=2)
    told = gateway.cli("refused", "replay", "--source", "forms", "--yes", "--reason", "secret mended")
    check("100 accepted" in told and "2 stay refused and stored" in told, told)
    gateway.wait_all("completed", 100)
    equal(sink.stats("/crm")["duplicates"], 0, "each once")
    equal(sink.count("/crm"), 100, "all of them")
    equal(len(kept(gateway, 2)), 2, "the others stay")
    saga = gateway.saga(gateway.sagas()[0]["id"])
    record = next(r for r in saga["log"] if r["record"] == "verb")
    equal((record["verb"], record["note"]), ("replay", "secret mended"), "recorded at the saga")
    check("uid" in record["actor"], "by whom")
    check("replay" in gateway.cli("saga", "show", saga["id"]), "and told")
    check(any("refused_replayed" in json.dumps(r) for r in gateway.rows("log", "export")), "and at the daemon")
    raw = body(7)
    equal(gateway.post("forms", raw, sign_stripe(RIGHT, raw))[1].get("duplicate"), True, "the platform's own repeat is a duplicate")
    check("0 accepted" not in gateway.cli("refused", "replay", "--all", "--yes"), "nothing fits any more: no verb is done")
    gateway.stop()
    equal(len(gateway.rows("refused", "list")), 2, "also without a daemon")
    gateway.cli("verify")


def what_came_meanwhile_is_a_duplicate(place):
    gateway = place.gateway(config(WRONG))
    refuse(gateway, 1)
    refuse(gateway, 2)
    rows = kept(gateway, 2)
    gateway.reload(config(RIGHT))
    raw = body(1)
    saga = gateway.accepted("forms", raw, sign_stripe(RIGHT, raw))
    lines = gateway.rows("refused", "replay", rows[0]["id"], "--yes")
    equal((lines[0]["saga"], lines[0]["duplicate"], lines[-1]["duplicates"]), (saga, True, 1), "it has its saga")
    lines = gateway.rows("refused", "replay", rows[1]["id"], "--yes")
    equal((lines[0]["duplicate"], lines[-1]["accepted"]), (False, 1), "one by its number")
    until("none are kept", lambda: gateway.rows("refused", "list") == [])
    gateway.cli_error("refused", "replay", rows[0]["id"], "--yes", code=1)


def bounded(place):
    """Off by default; bounded by bytes, the oldest go; by age; nothing below the reserve of disk."""
    gateway = place.gateway(config(WRONG, keep_refused="0"))
    refuse(gateway, 1)
    equal(gateway.rows("refused", "list"), [], "none are kept unless wanted")
    check("keep_refused" in gateway.cli("refused", "list"), "and it says so")
    gateway.reload(config(WRONG, keep_refused="64KiB"))
    for n in range(30):
        raw = body(n, text="x" * 10000)
        equal(gateway.post("forms", raw, sign_stripe(RIGHT, raw))[0], 401, "refused")
    until("the last one is kept", lambda: (rows := gateway.rows("refused", "list")) and
          json.loads(gateway.rows("refused", "show", rows[-1]["id"])[0]["raw"])["id"] == "ev-29")
    rows = gateway.rows("refused", "list")
    check(sum(r["body_bytes"] for r in rows) < 65536 and len(rows) == 6, f"{len(rows)} kept within 64 KiB")
    gateway.reload(config(WRONG, keep_refused="64KiB", keep_refused_for="1s"))
    refuse(gateway, 50)
    until("it goes when its time is over", lambda: len(gateway.rows("refused", "list")) < 7 and
          all(json.loads(gateway.rows("refused", "show", r["id"])[0]["raw"])["id"] != "ev-50" for r in gateway.rows("refused", "list")), 40)


def a_flood_is_not_kept_whole(place):
    """Of large bodies only some MiB a second are kept: the store is not a drain."""
    gateway = place.gateway(config(WRONG, keep_refused="64MiB"))
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
    sys.exit(main([replay_after_mending, what_came_meanwhile_is_a_duplicate, bounded, a_flood_is_not_kept_whole]))
