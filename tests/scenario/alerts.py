#!/usr/bin/env python3
"""Alerts: each is in `status` and in the log, and it ends when its cause is over."""
import hashlib
import hmac
import sys

from harness import BUILD, INTERNAL, check, donation, equal, http_target, main, route, wait_until

FORMS = {"forms": {"verify": {"scheme": "hmac", "header": "X-Signature"}, "secrets": ["forms-secret"], "map": "."}}
QUICK = {"window": "1s"}  # what a rate looks back on; an alert ends five seconds after it is over


def alerts(gateway):
    return {(a["name"], a["subject"]): a for a in gateway.rows("status")[0]["alerts"]}


def raised(gateway, name, subject):
    alert = wait_until(f"alert {name} {subject}", lambda: alerts(gateway).get((name, subject)))
    check(f"level=warning event=alert name={name} subject={subject} " in gateway.log(), "a line of the log")
    check(f"{name} {subject}" in gateway.cli("status"), "for people, too")
    return alert


def ended(gateway, name, subject):
    wait_until(f"{name} is over", lambda: (name, subject) not in alerts(gateway))
    wait_until("a line of the log", lambda: f"level=info event=alert_ended name={name} subject={subject}" in gateway.log())


def unverified(fixture):
    """401s by rate: each is counted, the alert comes at the threshold, and says what to do."""
    gateway = fixture.gateway({"sources": FORMS, "alerts": QUICK})
    for n in range(30):
        equal(gateway.post("forms", donation(n), {"X-Signature": "00" * 32})[0], 401, "refused")
    alert = raised(gateway, "unverified", "forms")
    equal(set(alert), {"name", "subject", "since", "text"}, "its members")
    check("sources.forms.secrets" in alert["text"], "what to do")
    check(alert["since"].endswith("Z"), "since when")
    check("anna@example.org" not in gateway.log() and "Anna" not in str(alert), "no donor's data")
    body = b'{"id": "ev-1"}'
    signed = {"X-Signature": hmac.new(b"forms-secret", body, hashlib.sha256).hexdigest()}
    equal(gateway.post("forms", body, signed)[0], 202, "what is signed is taken meanwhile")
    raised(gateway, "quarantined", "forms")  # authentic, without a type
    ended(gateway, "unverified", "forms")


def quarantine(fixture):
    gateway = fixture.gateway({"sources": INTERNAL, "limits": {"quarantine_cap": 3}})
    sagas = [gateway.accepted("internal", {"id": f"ev-{n}"}) for n in range(3)]
    check(alerts(gateway) is not None, "it can be asked")
    equal(raised(gateway, "quarantined", "internal")["text"].split()[0], "3", "how many are open")
    raised(gateway, "quarantine_cap", "internal")
    gateway.kill()
    gateway.start()
    raised(gateway, "quarantined", "internal")  # not forgotten with the process
    gateway.reload({"sources": {"internal": {"verify": "none", "map": '. + {type: "note"}'}}, "limits": {"quarantine_cap": 3}})
    for saga in sagas:
        gateway.cli("event", "reprocess", saga)
    ended(gateway, "quarantined", "internal")
    ended(gateway, "quarantine_cap", "internal")


def held(fixture):
    """Refused credentials, and everything rejected: two targets held, each with its own alert."""
    sink = fixture.sink()
    config = {"sources": INTERNAL, "targets": {"crm": http_target(sink.url("/crm")), "books": http_target(sink.url("/books"))},
              "routes": route("crm", "books")}
    gateway = fixture.gateway(config)
    sink.set_behaviour("/crm", {"status": 401, "body": {"error": "no, anna@example.org"}})
    sink.set_behaviour("/books", {"status": 422})
    for n in range(25):
        gateway.accepted("internal", donation(n, donor=f"d{n}@example.org"))
    check("targets.crm" in raised(gateway, "credentials", "crm")["text"], "what to do")
    raised(gateway, "misconfigured", "books")
    raised(gateway, "attention", "books")
    check("anna" not in str(alerts(gateway)), "not what the target said")
    sink.set_behaviour("/crm")
    sink.set_behaviour("/books")
    gateway.cli("target", "resume", "crm")
    gateway.cli("target", "resume", "books")
    gateway.cli("saga", "resume", "--all", "--yes")
    gateway.wait_all("completed", 25)
    for name, subject in (("credentials", "crm"), ("misconfigured", "books"), ("attention", "books")):
        ended(gateway, name, subject)
    equal(alerts(gateway), {}, "all is well")


def fault_and_breaker(fixture):
    """A connector with a bug; and a target that does not answer, after a while."""
    sink = fixture.sink()
    config = {"sources": INTERNAL, "routes": route("crm", "books"), "alerts": {"breaker_open": "1s"},
              "connectors": {"path": [str(BUILD / "tests" / "abi")]},
              "targets": {"crm": {"connector": "rogue", "settings": {"where": "next", "how": "fault"}},
                          "books": http_target(sink.url("/books"), breaker={"consecutive": 1, "open": "30s"})}}
    gateway = fixture.gateway(config)
    sink.set_behaviour("/books", {"status": 503})
    gateway.accepted("internal", donation(1))
    raised(gateway, "fault", "crm")
    raised(gateway, "breaker_open", "books")
    config["targets"]["crm"]["settings"]["how"] = "fixed"
    sink.set_behaviour("/books")
    gateway.reload(config)
    gateway.cli("saga", "resume", "--all", "--yes")
    ended(gateway, "fault", "crm")


if __name__ == "__main__":
    sys.exit(main([unverified, quarantine, held, fault_and_breaker]))
