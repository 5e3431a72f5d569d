#!/usr/bin/env python3
"""The five failures everyone has had, each played twice: against a naive handler, where the damage is counted, and
against the gateway, where there is none. Same events, same sender, same receivers."""
import json
import socket
import sys
import threading

import naive
from harness import BUILD, INTERNAL, check, donation, equal, http_target, main, route, wait_until
from receivers import FragileReceiver, RecordReceiver


def stopped(fixture, thing):
    """The thing, stopped when the scenario is over."""
    fixture.ending.append(thing.stop)
    return thing


def handler(fixture, *steps, **more):
    return stopped(fixture, naive.BaselineGateway(*steps, **more))


def records(sink, path):
    """Records a receiver made: it knows a repeat by its key, and only by that."""
    taken = [e["key"] for e in sink.entries(path) if 200 <= (e["status"] or 200) <= 299]
    return len({key for key in taken if key}) + sum(1 for key in taken if not key)


def thanks(fixture, sink, **more):
    (fixture.folder / "t.txt").write_text("Thank you\n")
    return {"connector": "email", "retry": {"first": "100ms", "cap": "1s"},
            "settings": {"host": "127.0.0.1", "port": sink.smtp, "tls": "none", "from": "a@charity.example", "subject": "Hi",
                         "text": "../t.txt"}, **more}


def mails(sink):
    return len(sink.entries("/smtp"))


def civicrm(sink, **more):
    return {"connector": "crm", "settings": {"base_url": sink.url(""), "api_key": "k-123456", **more},
            "retry": {"first": "100ms", "cap": "1s"}, "limits": {"timeout": "500ms"}}


# ---- network timeout: the write lands after the client gave up and tried again

LATE = {"delay_ms": 1500, "times": 1}  # it takes effect, and answers after the caller has given up
LOST = {"mode": "close_after_body", "times": 1}


def network_timeout(fixture):
    sink = fixture.sink()
    sink.set_behaviour("/naive", LATE)
    hasty = handler(fixture, naive.record(sink.url("/naive"), 0.5), tries=3)
    equal(naive.send(hasty.port, donation(1)), [200], "the naive handler is content")
    equal(records(sink, "/naive"), 2, "and the gift is booked twice")

    gateway = fixture.gateway({
        "sources": INTERNAL, "routes": route("keyed", "asked", "unsafe"),
        "targets": {"keyed": http_target(sink.url("/keyed"), limits={"timeout": "500ms"}), "asked": civicrm(sink),
                    "unsafe": http_target(sink.url("/unsafe"), repeat="unsafe", limits={"timeout": "500ms"})}})
    for number, trouble in enumerate((LATE, LOST), start=1):
        sink.set_behaviour("/keyed", trouble)
        sink.set_behaviour("/unsafe", trouble)
        # a look for the contact and, the first time, making it; then the contribution is what gets lost
        sink.set_behaviour("/civicrm", {"times": 2 if number == 1 else 1}, trouble)
        equal(naive.send(gateway.port, donation(number)), [202], "taken")
        saga = gateway.wait_saga(number, "attention")
        wait_until("the others are done", lambda n=number: [s["state"] for s in gateway.saga(n)["steps"]][:2] == ["succeeded"] * 2)
        equal((saga["reason"], gateway.saga(number)["steps"][2]["reason"]), ("in_doubt", "in_doubt"), "an unknown outcome is reported as in doubt")
        equal(records(sink, "/keyed"), number, "sent again under its key: one record")
        equal(sink.stats("/civicrm")["stub"]["contributions"], number, "looked up before it was sent again: one contribution")
        equal(sink.count("/unsafe"), number, "a repeat could not be recognised: sent once, an operator decides")
    equal(sink.count("/keyed"), 4, "each was sent twice")
    equal(sink.stats("/civicrm")["stub"]["contacts"], 1, "one donor")


def sender_timeout(fixture):
    """The same from the other side: the platform gives up on a slow handler and sends again."""
    sink = fixture.sink()
    sink.set_behaviour("/slow", {"delay_ms": 1000})
    slow = handler(fixture, naive.record(sink.url("/slow")))
    equal(naive.send(slow.port, donation(1), timeout_s=0.3, tries=3), [None] * 3, "the platform sees time-outs")
    wait_until("each was carried out", lambda: records(sink, "/slow") == 3)

    sink.set_behaviour("/crm", {"delay_ms": 1000})
    gateway = fixture.gateway({"sources": INTERNAL, "targets": {"crm": http_target(sink.url("/crm"))}, "routes": route("crm")})
    for _ in range(3):  # whoever sends and does not wait for the answer
        with socket.create_connection(("127.0.0.1", gateway.port)) as hasty:
            body = json.dumps(donation(1)).encode()
            hasty.sendall(b"POST /in/internal HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                          % (len(body), body))
    wait_until("it came", lambda: len(gateway.sagas()) == 1)
    equal(naive.send(gateway.port, donation(1), timeout_s=20), [200], "sent again: known already, whatever the receiver does")
    gateway.wait_saga(1, "completed")
    equal((len(gateway.sagas()), sink.count("/crm")), (1, 1), "one saga, one send")


def doubt_stays_small(fixture):
    """A target that takes requests and never answers, and knows no repeat: the breaker keeps the doubt to a handful."""
    sink = fixture.sink()
    sink.set_behaviour("/crm", {"mode": "hang"})
    crm = http_target(sink.url("/crm"), repeat="unsafe", limits={"in_flight": 4, "timeout": "300ms"},
                      breaker={"consecutive": 3, "open": "500ms", "open_cap": "500ms"})
    gateway = fixture.gateway({"sources": INTERNAL, "targets": {"crm": crm}, "routes": route("crm")})
    burst(gateway.port, 200)
    wait_until("it was given up on and tried again", lambda: gateway.log().count("breaker_half_open") >= 2)
    sink.set_behaviour("/crm")
    wait_until("all have their end", lambda: gateway.admin("GET", "/v1/status")["sagas"]["running"] == 0, 60)
    sagas = gateway.admin("GET", "/v1/status")["sagas"]
    check(sagas["attention"] + sagas["completed"] == 200 and 3 <= sagas["attention"] <= 12, f"in doubt are few: {sagas}")
    equal(sink.count("/crm"), 200, "each was sent once")


# ---- partial failure: the mail is out, the CRM fails, the sender tries again

def partial_failure(fixture):
    sink = fixture.sink()
    sink.set_behaviour("/crm", {"status": 503})
    careless = handler(fixture, naive.mail(sink.smtp), naive.record(sink.url("/crm")))
    equal(naive.send(careless.port, donation(1), tries=3), [500] * 3, "the platform sends again")
    equal(mails(sink), 3, "and the donor is thanked three times")

    before = mails(sink)
    gateway = fixture.gateway({"sources": INTERNAL, "targets": {"thanks": thanks(fixture, sink), "crm": http_target(sink.url("/crm"))},
                             "routes": route("thanks", "crm")})
    equal(naive.send(gateway.port, donation(1)), [202], "taken")
    wait_until("the mail is out and the CRM has failed", lambda: [s["state"] for s in gateway.saga(1)["steps"]] == ["succeeded", "retry_wait"])
    equal(naive.send(gateway.port, donation(1)), [200], "known while the CRM fails")
    gateway.kill()
    gateway.start()
    equal(naive.send(gateway.port, donation(1)), [200], "known after kill -9")
    sink.set_behaviour("/crm", {"status": 422})
    gateway.wait_saga(1, "attention")
    equal(naive.send(gateway.port, donation(1)), [200], "known in attention")
    sink.set_behaviour("/crm")
    gateway.cli("saga", "resume", 1, "--reason", "the CRM is fixed")
    gateway.wait_saga(1, "completed")
    equal(naive.send(gateway.port, donation(1)), [200], "known when it is done")
    equal((mails(sink) - before, records(sink, "/crm")), (1, 1), "one mail, one record")


def partial_failure_of_mail(fixture):
    """The mail server accepts the mail, the answer is lost and the process dies: the outcome is in doubt, and no donor is thanked twice."""
    sink = fixture.sink()
    sink.call("POST", "/smtp", {"faults": [{"at": "dot", "mode": "silence"}]})
    careless = handler(fixture, naive.mail(sink.smtp, 0.3), naive.record(sink.url("/crm")))
    equal(naive.send(careless.port, donation(1), tries=3), [500] * 3, "the platform sends again")
    equal((mails(sink), sink.count("/crm")), (3, 0), "three mails, and still no record")

    gateway = fixture.gateway({"sources": INTERNAL, "targets": {"thanks": thanks(fixture, sink), "crm": http_target(sink.url("/crm"))},
                             "routes": route("thanks", {"target": "crm", "after": ["thanks"]})})
    equal(naive.send(gateway.port, donation(1)), [202], "taken")
    wait_until("the mail is out", lambda: mails(sink) == 4)
    gateway.kill()
    sink.call("POST", "/smtp", {"faults": []})
    gateway.start()
    equal(naive.send(gateway.port, donation(1)), [200], "known after kill -9")
    equal(gateway.wait_saga(1, "attention")["reason"], "in_doubt", "an unknown outcome is reported as in doubt")
    gateway.cli("saga", "resume", 1)
    equal(gateway.saga(1)["reason"], "in_doubt", "and do not send on a general resume")
    gateway.cli("saga", "resolve", 1, "thanks", "--done", "--reason", "the donor has it")
    gateway.wait_saga(1, "completed")
    equal((mails(sink), records(sink, "/crm")), (4, 1), "one mail more, and the record that waited for it")


# ---- cascade: a target too slow for what waits behind it, and its return

GIFTS = 1000


def burst(port, count):
    """Events from 20 connections at once."""
    def send_events_of(first):
        for n in range(first, count, 20):
            check(naive.send(port, donation(n, donor=f"d{n}@example.org"))[-1] in (200, 202), "taken")
    threads = [threading.Thread(target=send_events_of, args=(first,)) for first in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def baseline_thundering_herd(fixture):
    weak = stopped(fixture, FragileReceiver(capacity=10, work_s=0.05, rest_s=0.5))
    thundering_herd = handler(fixture, naive.record(weak.url()), tries=20, background=True)
    burst(thundering_herd.port, GIFTS)
    weak.restart()
    lost = len(thundering_herd.given_up)
    wait_until("what waited knocks it down again and again", lambda: weak.falls >= 3)
    wait_until("and gifts are given up that could have been taken", lambda: len(thundering_herd.given_up) > lost, 60)
    thundering_herd.stop()


def per_span(weak, span_s):
    """How many sends came in each span after the return."""
    counts = {}
    for at, _, _, _ in weak.seen:
        if at >= weak.up_at:
            counts[int((at - weak.up_at) / span_s)] = counts.get(int((at - weak.up_at) / span_s), 0) + 1
    return counts


def cascading_failure(fixture):
    baseline_thundering_herd(fixture)

    sink = fixture.sink()
    weak = stopped(fixture, FragileReceiver(capacity=10, work_s=0.05, rest_s=0.5))
    crm = http_target(weak.url(), limits={"in_flight": 8}, breaker={"consecutive": 5, "open": "500ms", "open_cap": "1s"})
    gateway = fixture.gateway({"sources": INTERNAL, "targets": {"crm": crm, "books": http_target(sink.url("/books"))},
                             "routes": route("crm", "books")})
    burst(gateway.port, GIFTS)
    wait_until("books has all", lambda: sink.count("/books") == GIFTS)
    equal(gateway.target("books")["breaker"], "closed", "one target's trouble stays its own")
    equal(gateway.target("crm")["backlog"], GIFTS, "all wait for the other")
    check(len(weak.seen) < 60, f"it is left in peace: {len(weak.seen)} sends")
    weak.restart()
    wait_until("it is back", weak.taken)
    naive.send(gateway.port, donation("live", donor="live@example.org"))
    wait_until("a live event passes the backlog to the other target", lambda: sink.count("/books") == GIFTS + 1)
    check(len(weak.taken()) < GIFTS, "while the backlog drains")
    gateway.wait_all("completed", GIFTS + 1)
    equal((weak.falls, len(weak.taken())), (0, GIFTS + 1), "it never fell again, and has all")
    taken = [event for _, _, event, served in weak.seen if served]
    equal(len(taken), len(set(taken)), "none twice")
    after = [(at, number) for at, number, _, _ in weak.seen if at >= weak.up_at]
    check(all(number <= 8 for _, number in after), "never more at once than in_flight")
    check(after[0][1] == 1 and all(number <= 3 for _, number in after[:4]), f"a probe first, then the foot of the ramp: {after[:8]}")
    thundering_herd = max(per_span(weak, 1).values())
    check(thundering_herd <= 8 / 0.05 * 1.1, f"no second above what in_flight allows: {per_span(weak, 1)}")


# ---- race: two events change one donor at once

ANNA = {"phone": "1", "city": "Roma", "language": "it"}


def news_item(number, **donor):
    return {"id": f"news-{number}", "type": "donor.updated", "donor": {"id": "anna", **donor}}


def at_once(port):
    """Two events about one donor from two connections."""
    both = [threading.Thread(target=naive.send, args=(port, event)) for event in (news_item(1, phone="2"), news_item(2, city="Lucca"))]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()


def donors(fixture, api, folder, settings=None, **more):
    settings = {"method": "PATCH", "body": {"phone": "{{donor.phone?}}", "city": "{{donor.city?}}"},
                **({"etag": {}} if settings is None else settings)}
    target = http_target(api.url() + "/{{donor.id}}", repeat="idempotent", settings=settings, **more)
    return fixture.gateway({"sources": INTERNAL, "targets": {"crm": target},
                          "routes": [{"name": "donors", "match": {"type": "donor.*"}, "steps": [{"target": "crm"}]}]}, name=folder)


def race(fixture):
    """Two events of one donor at once."""
    api = stopped(fixture, RecordReceiver({"anna": dict(ANNA)}, together=2))
    merging = handler(fixture, naive.merge(api.url()))
    at_once(merging.port)
    check(api.records["anna"] != {**ANNA, "phone": "2", "city": "Lucca"}, "the naive handler loses one of the two")

    # One donor, one line: never two writes at once, whatever the receiver would have taken.
    api = stopped(fixture, RecordReceiver({"anna": dict(ANNA)}, together=2, patience_s=0.3))
    gateway = donors(fixture, api, "lane", settings={})
    at_once(gateway.port)
    gateway.wait_all("completed", 2)
    equal(api.most["write"], 1, "one at a time")
    equal(api.records["anna"], {**ANNA, "phone": "2", "city": "Lucca"}, "both are there, and what no event carried stays")
    check(all(len(w["value"]) == 1 for w in api.writes), f"a write carries only what its event carries: {api.writes}")


def race_by_etag(fixture):
    """Where the API has ETags, a write stands on what was read, also against those who do not come through here."""
    api = stopped(fixture, RecordReceiver({"anna": dict(ANNA)}, together=2, patience_s=0.3))
    gateway = donors(fixture, api, "lane")
    at_once(gateway.port)
    gateway.wait_all("completed", 2)
    equal(api.records["anna"], {**ANNA, "phone": "2", "city": "Lucca"}, "both are there")
    equal((api.most["read"], [w["condition"] for w in api.writes]), (1, ['"v1"', '"v2"']), "one after the other, each on what it read")

    # No line (other keys): both read the same version; the API refuses the second, which looks again.
    api = stopped(fixture, RecordReceiver({"anna": dict(ANNA)}, together=2))
    gateway = donors(fixture, api, "etag", order={"by": ".id"})
    at_once(gateway.port)
    gateway.wait_all("completed", 2)
    equal(api.records["anna"], {**ANNA, "phone": "2", "city": "Lucca"}, "both are there")
    equal([w["status"] for w in api.writes], [200, 412, 200], "refused once, read again, written")

    # Another client writes between our read and our write.
    api.meanwhile = lambda: api.put("anna", {**api.records["anna"], "language": "de"})
    naive.send(gateway.port, news_item(3, phone="3"))
    gateway.wait_all("completed", 3)
    equal(api.records["anna"], {"phone": "3", "city": "Lucca", "language": "de"}, "and keeps what they wrote")
    equal([w["status"] for w in api.writes][3:], [412, 200], "refused, read again, written")


def vendors_code(fixture):
    """The log keeps the target's own error code beside the class. The code is not personal data: it stays when the donor's data is erased."""
    sink = fixture.sink()
    sink.set_behaviour("/civicrm", {"status": 400, "body": {"error_code": "fund_closed", "error_message": "the fund of Anna is closed"}})
    gateway = fixture.gateway({"sources": INTERNAL, "targets": {"crm": civicrm(sink)}, "routes": route("crm")})
    equal(naive.send(gateway.port, donation(1)), [202], "taken")
    saga = gateway.wait_saga(1, "attention")
    outcomes = [(r["outcome"], r["status"], r["code"]) for r in saga["log"] if r["record"] == "outcome"]
    equal(outcomes, [("rejected", 400, "fund_closed")], "the code is a member of the record")
    check("rejected (400, code fund_closed)" in gateway.cli("saga", "show", 1), "the timeline shows the code")


def race_in_the_crm(fixture):
    """Find-or-create by two gifts of a new donor, one platform naming an id, the other only the address: one contact,
    and what a gift does not carry is left alone."""
    sink = fixture.sink()
    sink.set_behaviour("/civicrm", {"delay_ms": 50})
    by_email = {"order": {"by": [".donor.email // empty | ascii_downcase", ".donor.id"]}}
    gateway = fixture.gateway({"sources": INTERNAL, "targets": {"crm": {**civicrm(sink, existing="overwrite"), **by_email}},
                             "routes": route("crm")})
    first, second = donation(1), donation(2, donor="Anna@example.org")
    first["donor"].update(id="a-1", phone="+39 1")
    second["donor"]["name"] = "Anna Nuova"
    both = [threading.Thread(target=naive.send, args=(gateway.port, event)) for event in (first, second)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    gateway.wait_all("completed", 2)
    stats = sink.stats("/civicrm")["stub"]
    equal((stats["contacts"], stats["contributions"]), (1, 2), "one donor, two gifts")
    written = [e["body"] for e in sink.entries("/civicrm") if "Contact/" in e["path"] and "get" not in e["path"]]
    equal(len(written), 2, "made once, changed once")
    check("null" not in "".join(written), f"nothing is emptied: {written}")


# ---- silent failure: a bug in a map, in a plugin, in what the other side calls success

def total(event):
    """A step with a bug that shows when the platform renames a field."""
    return event["amount"]["minor"] / 100


def alerts(gateway):
    return {(a["name"], a["subject"]) for a in gateway.rows("status")[0]["alerts"]}


def silent_failure(fixture):
    sink = fixture.sink()
    renamed = [{**donation(n, donor=f"d{n}@example.org"), "sum": {"cents": 100 * n}} for n in range(1, 11)]
    for event in renamed:
        del event["amount"]
    quiet = handler(fixture, total, naive.record(sink.url("/naive")), swallow=True)
    equal([naive.send(quiet.port, event) for event in renamed], [[200]] * 10, "the naive handler answers 200 ten times")
    equal(sink.count("/naive"), 0, "and nothing arrives anywhere")

    old, new = ". + {amount: {minor: .amount.minor, currency: \"EUR\"}}", ". + {amount: {minor: .sum.cents, currency: \"EUR\"}}"
    config = {"sources": {"internal": {"verify": "none", "map": old}}, "targets": {"crm": http_target(sink.url("/crm"))},
              "routes": route("crm")}
    gateway = fixture.gateway(config)
    for event in renamed:
        status, reply = gateway.post("internal", event)
        equal((status, reply.get("quarantined")), (202, True), "taken, and said to be in quarantine")
    equal(gateway.rows("status")[0]["sagas"]["attention"], 10, "counted")
    equal({s["reason"] for s in gateway.sagas("--state", "attention")}, {"quarantined"}, "shown")
    wait_until("the alert is raised", lambda: ("quarantined", "internal") in alerts(gateway))
    config["sources"]["internal"]["map"] = new
    gateway.reload(config)
    for saga in gateway.sagas("--state", "attention"):
        gateway.cli("event", "reprocess", saga["id"], "--reason", "the map is fixed")
    gateway.wait_all("completed", 10)
    equal(sorted(json.loads(e["body"])["amount"]["minor"] for e in sink.entries("/crm")), [100 * n for n in range(1, 11)], "all arrive")


def silent_plugin(fixture):
    """A plugin with a bug, a template that asks for what is not there, and a 200 that carries an error."""
    sink = fixture.sink()
    sink.set_behaviour("/soap", {"status": 200, "body": {"ok": False, "error": "no such fund"}})
    careless = handler(fixture, naive.record(sink.url("/soap")))
    equal(naive.send(careless.port, donation(0)), [200], "to the naive handler a 200 is a success")

    config = {"sources": INTERNAL, "routes": route("plugin", "template", "soap", "books"),
              "connectors": {"path": [str(BUILD / "tests" / "abi")]},
              "targets": {"plugin": {"connector": "rogue", "settings": {"where": "next", "how": "fault"}},
                          "template": http_target(sink.url("/crm"), settings={"body": {"fund": "{{fund.name}}"}}),
                          "soap": http_target(sink.url("/soap"), settings={"success": {"path": ".ok"}, "error": ".error"}),
                          "books": http_target(sink.url("/books"))}}
    gateway = fixture.gateway(config)
    saga = gateway.accepted("internal", donation(1))
    wait_until("each has its end", lambda: [s["state"] for s in gateway.saga(saga)["steps"]] == ["attention"] * 3 + ["succeeded"])
    steps = gateway.saga(saga)["steps"]
    equal([s["reason"] for s in steps[:3]], ["fault", "rejected", "rejected"], "each with its reason")
    check("fund.name" in steps[1]["detail"] and "no such fund" in steps[2]["detail"], f"and what is wrong: {steps}")
    equal((sink.count("/crm"), sink.count("/books")), (0, 1), "nothing half made is sent, the others are served")
    wait_until("the alert is raised", lambda: {("fault", "plugin"), ("attention", "soap"), ("attention", "template")} <= alerts(gateway))
    config["targets"]["plugin"]["settings"]["how"] = "fixed"
    config["targets"]["template"]["settings"]["body"] = {"fund": "{{fund?}}"}
    gateway.reload(config)
    sink.set_behaviour("/soap", {"status": 200, "body": {"ok": True}})
    gateway.cli("saga", "resume", saga, "--reason", "all three fixed")
    gateway.wait_saga(saga, "completed")
    equal(gateway.sagas("--state", "attention"), [], "nothing is left")


def crashing_plugin(fixture):
    """A plugin that writes to an invalid address, and one that never returns: only the step is blamed, and other steps continue."""
    sink = fixture.sink()
    config = {"sources": INTERNAL, "routes": route("books", "plugin"), "connectors": {"path": [str(BUILD / "tests" / "abi")]},
              "targets": {"plugin": {"connector": "rogue", "settings": {"where": "next", "how": "none"}},
                          "books": http_target(sink.url("/books"))}}
    gateway = fixture.gateway(config)
    for number, how in enumerate(("null", "hang"), start=1):
        config["targets"]["plugin"]["settings"]["how"] = how
        gateway.reload(config)
        equal(naive.send(gateway.port, donation(number)), [202], "taken: it is on disk")
        check(gateway.process.wait(timeout=60) != 0, "the process ends and says so")
        gateway.start()
        saga = gateway.wait_saga(number, "attention")
        plugin = next(s for s in saga["steps"] if s["name"] == "plugin")
        equal((plugin["outcome"], plugin["attempts"]), ("fault", 1), "blamed, and not tried again: no loop")
        check("connector" in plugin["detail"], f"says what: {plugin['detail']}")
        wait_until("the other target is served", lambda n=number: records(sink, "/books") == n)
        wait_until("the alert is raised", lambda: {name for name, subject in alerts(gateway) if subject == "plugin"})
    config["targets"]["plugin"]["settings"]["how"] = "none"
    gateway.reload(config)
    gateway.cli("saga", "resume", "--all", "--yes", "--redo-in-doubt", "--reason", "the plugin is fixed")
    gateway.wait_all("completed", 2)


if __name__ == "__main__":
    sys.exit(main([network_timeout, sender_timeout, doubt_stays_small, partial_failure, partial_failure_of_mail, cascading_failure,
                   race, race_by_etag, vendors_code, race_in_the_crm, silent_failure, silent_plugin, crashing_plugin]))
