#!/usr/bin/env python3
"""Doubt: what may have happened is said, looked up, or asked of a person, and sent again only where a repeat is recognised."""
import json
import sys

from harness import BUILD, INTERNAL, check, donation, equal, http_target, main, route, wait_until

QUICK = {"first": "20ms", "cap": "50ms"}
LOST = {"mode": "close_after_body"}


def single_target(fixture, sink, name="gateway", **more):
    target = http_target(sink.url("/crm"), **{"retry": QUICK, **more})
    return fixture.gateway({"sources": INTERNAL, "targets": {"crm": target}, "routes": route("crm")}, name=name)


def keys(sink, path="/crm"):
    return [e["key"] for e in sink.entries(path)]


def reason(gateway, saga):
    shown = gateway.saga(saga)
    return shown["state"], shown["reason"], shown["steps"][0]["outcome"]


# ---- kill -9 at the points that can be held from outside; tests/unit/doubt has all of them

CRASHES = {  # what is sent after the restart, and where it ends, after: accepted | first effect sent | second sent | outcome durable
    "idempotent": (("contact gift", "completed"), ("contact gift", "completed"), ("gift", "completed"), ("", "completed")),
    "keyed": (("contact gift", "completed"), ("contact gift", "completed"), ("gift", "completed"), ("", "completed")),
    "lapsed": (("contact gift", "completed"), ("", "in_doubt"), ("", "in_doubt"), ("", "completed")),
    "queryable": (("find contact gift", "completed"), ("look find gift", "completed"), ("look", "completed"), ("", "completed")),
    "unsafe": (("contact gift", "completed"), ("", "in_doubt"), ("", "in_doubt"), ("", "completed")),
}
UNDO_CRASHES = {  # … of an undo, after: first effect sent | second sent
    "idempotent": (("void remove", "compensated"), ("remove", "compensated")),
    "keyed": (("void remove", "compensated"), ("remove", "compensated")),
    "lapsed": (("", "in_doubt"), ("", "in_doubt")),
    "queryable": (("", "in_doubt"), ("", "in_doubt")),
    "unsafe": (("", "in_doubt"), ("", "in_doubt")),
}
LABELS = ("find", "contact", "gift", "look", "void", "remove")


def pair_config(url, kind):
    settings = {"url": url, "repeat": "keyed" if kind == "lapsed" else kind, "ttl": "1ms" if kind == "lapsed" else "24h", "lookup": kind == "queryable"}
    return {"sources": INTERNAL, "routes": route("pair"), "connectors": {"path": [str(BUILD / "tests" / "scenario")]},
            "targets": {"pair": {"connector": "pair", "settings": settings, "retry": QUICK}}}


class DoubtFixture:
    """One gateway with the connector of two effects, to be killed while the sink holds back its answer."""

    def __init__(self, fixture, kind):
        self.sink = fixture.sink()
        self.base = f"/{kind}"
        self.gateway = fixture.gateway(pair_config(self.sink.url(self.base), kind), name=kind)
        self.number = 0

    def set_behaviour(self, label, *acts):
        self.sink.set_behaviour(f"{self.base}/{label}", *acts)

    def counts(self):
        return {label: self.sink.count(f"{self.base}/{label}") for label in LABELS}

    def fresh_fixture(self):
        for label in LABELS:
            self.sink.call("DELETE", f"{self.base}/{label}")
            self.set_behaviour(label)
        self.set_behaviour("find", {"status": 404})
        self.set_behaviour("look", {"status": 404})
        self.number += 1
        return donation(self.number, donor=f"d{self.number}@example.org")

    def kill_and_observe(self, what, saga, wanted, resume=False):
        before = self.counts()
        self.gateway.kill()
        for label, asked in (("contact", "find"), ("gift", "look")):
            self.set_behaviour(asked, {"status": 200 if before[label] else 404})
            self.set_behaviour(label)
        self.set_behaviour("void")
        self.set_behaviour("remove")
        self.gateway.start()
        if resume:
            self.gateway.cli("target", "resume", "pair")
        sent, end = wanted
        shown = self.gateway.wait_saga(saga, "attention" if end == "in_doubt" else end)
        equal(shown["reason"] if end == "in_doubt" else shown["state"], end, what)
        after = self.counts()
        equal(" ".join(sorted(label for label in LABELS for _ in range(after[label] - before[label]))), " ".join(sorted(sent.split())), f"{what}: sent after the restart")

    def hold_request(self, label):
        self.set_behaviour(label, {"mode": "hang"})


def killed_at_each_point(fixture):
    """The outcome is the one written in the table, for each repeat class, with the real daemon and kill -9."""
    for kind, row in CRASHES.items():
        doubt_fixture = DoubtFixture(fixture, kind)
        doubt_fixture.gateway.cli("target", "pause", "pair")
        saga = doubt_fixture.gateway.accepted("internal", doubt_fixture.fresh_fixture())
        doubt_fixture.kill_and_observe(f"{kind}, accepted", saga, row[0], resume=True)
        for label, wanted in (("contact", row[1]), ("gift", row[2])):
            event = doubt_fixture.fresh_fixture()
            doubt_fixture.hold_request(label)
            saga = doubt_fixture.gateway.accepted("internal", event)
            wait_until(f"{label} is on its way", lambda at=label: doubt_fixture.counts()[at] == 1)
            doubt_fixture.kill_and_observe(f"{kind}, {label} sent", saga, wanted)
        saga = doubt_fixture.gateway.accepted("internal", doubt_fixture.fresh_fixture())
        doubt_fixture.gateway.wait_saga(saga, "completed")
        doubt_fixture.kill_and_observe(f"{kind}, outcome durable", saga, row[3])
        for label, wanted in zip(("void", "remove"), UNDO_CRASHES[kind]):
            saga = doubt_fixture.gateway.accepted("internal", doubt_fixture.fresh_fixture())
            doubt_fixture.gateway.wait_saga(saga, "completed")
            doubt_fixture.hold_request(label)
            doubt_fixture.gateway.cli("saga", "compensate", saga)
            wait_until(f"{label} is on its way", lambda at=label: doubt_fixture.counts()[at] == 1)
            doubt_fixture.kill_and_observe(f"{kind}, {label} sent", saga, wanted)
        doubt_fixture.gateway.stop()


def fault_after_effect(fixture):
    """A connector that meets a bug of its own after something was sent leaves doubt; before, a fault."""
    stage_config = pair_config("http://127.0.0.1:1/", "keyed")
    sink = fixture.sink()
    stage_config["targets"]["pair"]["settings"].update(url=sink.url("/pair"), fault=True)
    gateway = fixture.gateway(stage_config)
    saga = gateway.accepted("internal", donation(1))
    gateway.wait_saga(saga, "attention")
    equal(reason(gateway, saga), ("attention", "in_doubt", "fault"), "one effect is out")
    equal((sink.count("/pair/contact"), sink.count("/pair/gift")), (1, 0), "sent")
    check("in doubt" in gateway.cli("saga", "resume", saga), "resume leaves it standing")
    stage_config["targets"]["pair"]["settings"]["fault"] = False
    gateway.reload(stage_config)
    gateway.cli("saga", "retry", saga, "pair")  # the target can tell a repeat
    gateway.wait_saga(saga, "completed")
    equal(len(set(keys(sink, "/pair/contact"))), 1, "the same under the same key")


# ---- repeat classes without a kill

def keyed_with_ttl(fixture):
    """While the target remembers its keys a repeat is safe; later the effect must be looked up, at the target or by an operator."""
    sink = fixture.sink()
    gateway = single_target(fixture, sink, settings={"repeat_ttl": "1s"})
    sink.set_behaviour("/crm", LOST)
    saga = gateway.accepted("internal", donation(1))
    gateway.wait_saga(saga, "attention")
    equal(reason(gateway, saga), ("attention", "in_doubt", "unknown"), "its key is forgotten by now")
    sent = keys(sink)
    check(len(sent) > 2 and len(set(sent)) == 1, f"repeated under one key until then: {len(sent)}")
    sink.set_behaviour("/crm")
    check("in doubt" in gateway.cli("saga", "resume", saga), "resume leaves it")
    gateway.cli_error("saga", "retry", saga, "crm", code=1)
    gateway.stop()
    equal(sink.count("/crm"), len(sent), "and sends nothing")


def keyed_and_looked_up(fixture):
    """… with a look-up: found is done, absent is sent again."""
    sink = fixture.sink()
    settings = {"repeat_ttl": "300ms", "lookup": {"url": sink.url("/look/{{key}}"), "found": ".id", "id": ".id"}}
    gateway = single_target(fixture, sink, settings=settings, retry={"first": "20ms", "cap": "500ms"})
    for number, found in enumerate((True, False)):
        sink.set_behaviour("/crm", LOST)
        sink.call("DELETE", "/crm")
        saga = gateway.accepted("internal", donation(number))
        wait_until("it was sent", lambda: sink.count("/crm") > 0)
        key = keys(sink)[0]
        sink.set_behaviour(f"/look/{key}", {"status": 500, "times": 1}, {"status": 200, "body": {"id": "c-1"}} if found else {"status": 404})
        wait_until("it is looked up", lambda: sink.count(f"/look/{key}") > 1)
        sink.set_behaviour("/crm")
        shown = gateway.wait_saga(saga, "completed")
        equal(set(keys(sink)), {key}, "one key in one generation")
        if found:
            equal((shown["steps"][0]["result"]["id"], [e for e in sink.entries("/crm") if e["status"] == 200]), ("c-1", []), "found, and not sent again")


def queryable(fixture):
    """Looks first, then decides: found is done, absent is sent, no answer is asked again, something else needs a person."""
    sink = fixture.sink()
    look = {"method": "GET", "url": sink.url("/look/{{id}}"), "found": ".cents", "equals": "{{amount.minor}}", "id": ".id"}
    gateway = single_target(fixture, sink, repeat="queryable", settings={"lookup": look}, retry={**QUICK, "attempts": 3})
    answers = {
        "found": ([{"status": 200, "body": {"id": 7, "cents": 2500}}], "completed", "", 1),
        "absent": ([{"status": 404}], "completed", "", 2),
        "empty": ([{"status": 200, "body": {"cents": None}}], "completed", "", 2),
        "slow": ([{"status": 503, "times": 1}, {"status": 200, "body": {"cents": 2500}}], "completed", "", 1),
        "other": ([{"status": 200, "body": {"cents": 9}}], "attention", "in_doubt", 1),
        "mute": ([{"status": 500}], "attention", "exhausted", 1),
    }
    for name, (acts, state, why, sent) in answers.items():
        sink.call("DELETE", "/crm")
        sink.set_behaviour("/crm", {**LOST, "times": 1})
        sink.set_behaviour(f"/look/{name}", *acts)
        saga = gateway.accepted("internal", {**donation(1), "id": name, "gift": f"gift-{name}"})
        shown = gateway.wait_saga(saga, state)
        equal((shown["reason"] or "", sink.count("/crm")), (why, sent), f"the look-up says {name}")
    sink.set_behaviour("/look/mute", {"status": 200, "body": {"cents": 2500}})
    gateway.cli("saga", "resume", saga)  # exhausted: a resume looks first
    gateway.wait_saga(saga, "completed")
    equal(sink.count("/crm"), 1, "and found it")


def exists(fixture):
    """409: equal is done, something else or nothing to be found needs a person; it is never simply sent again."""
    sink = fixture.sink()
    look = {"url": sink.url("/look/{{id}}"), "found": ".cents", "equals": "{{amount.minor}}", "id": ".id"}
    gateway = single_target(fixture, sink, settings={"lookup": look})
    sink.set_behaviour("/crm", {"status": 409})
    for name, body, state in (("equal", {"id": 7, "cents": 2500}, "completed"), ("other", {"cents": 9}, "attention"), ("none", {}, "attention")):
        sink.call("DELETE", "/crm")
        sink.set_behaviour(f"/look/{name}", {"status": 200, "body": body})
        saga = gateway.accepted("internal", {**donation(1), "id": name, "gift": f"gift-{name}"})
        shown = gateway.wait_saga(saga, state)
        equal(sink.count("/crm"), 1, f"{name}: once")
        check(state == "completed" or shown["reason"] in ("rejected", "in_doubt"), f"{name}: {shown['reason']}")
        check(state != "completed" or shown["steps"][0]["result"]["id"] == "7", "the number it has there")
    plain = single_target(fixture, sink, name="plain")
    saga = plain.wait_saga(plain.accepted("internal", donation(5)), "attention")
    check("already done there" in saga["steps"][0]["detail"], f"without a look-up a person: {saga['steps'][0]['detail']}")


def unsafe(fixture):
    """In doubt after one sending; a person's word, and what depends on it; a redo is a new generation under a new key."""
    sink = fixture.sink()
    targets = {"crm": http_target(sink.url("/crm"), repeat="unsafe"), "mail": http_target(sink.url("/mail"))}
    gateway = fixture.gateway({"sources": INTERNAL, "targets": targets, "routes": route("crm", {"target": "mail", "after": ["crm"]})})
    sink.set_behaviour("/crm", LOST)
    ids = [gateway.accepted("internal", donation(n, donor=f"d{n}@example.org")) for n in range(5)]
    gateway.wait_all("attention", 5)
    equal((sink.count("/crm"), sink.count("/mail"), gateway.target("crm")["attention"]), (5, 0, 5), "once each")
    check("resolve" in gateway.cli_error("saga", "skip", ids[0], "crm", code=1), "it cannot just be skipped")
    sink.set_behaviour("/crm")
    gateway.cli("saga", "resolve", ids[0], "crm", "--done", "--id", "c-9", "--reason", "seen there")
    equal(gateway.wait_saga(ids[0], "completed")["steps"][0]["result"]["id"], "c-9", "done")
    gateway.cli("saga", "resolve", ids[1], "crm", "--not-done")
    equal([s["state"] for s in gateway.wait_saga(ids[1], "completed_partial")["steps"]], ["skipped", "skipped"], "what comes after it is not done either")
    gateway.cli("saga", "redo", ids[2], "crm")
    gateway.wait_saga(ids[2], "completed")
    gateway.cli("saga", "resume", ids[3], "--redo-in-doubt")
    gateway.wait_saga(ids[3], "completed")
    gateway.kill()
    gateway.start()
    equal(reason(gateway, ids[4]), ("attention", "in_doubt", "unknown"), "doubt outlives a kill")
    out = gateway.cli("saga", "resume", "--all", "--yes")
    check("in doubt" in out, out)
    gateway.cli("saga", "resume", "--all", "--yes", "--redo-in-doubt")
    gateway.wait_all("completed", 4)
    equal((sink.count("/crm"), len(set(keys(sink))), sink.count("/mail")), (8, 8, 4), "three sent again, each under a key of its own")


# ---- bodies

def body_changed(fixture):
    """After a possible effect the bytes are frozen: another body is not sent, not even by a resume; a redo sends it under a new key."""
    sink = fixture.sink()
    gateway = single_target(fixture, sink, settings={"body": {"fund": "general", "mail": "{{donor.email}}"}}, retry={"first": "700ms", "cap": "700ms"})

    def edit_template(fund):
        gateway.config["targets"]["crm"]["settings"]["body"]["fund"] = fund
        gateway.reload(gateway.config)
    sink.set_behaviour("/crm", {**LOST, "times": 1})
    saga = gateway.accepted("internal", donation(1))
    wait_until("it waits", lambda: gateway.saga(saga)["steps"][0]["state"] == "retry_wait")
    edit_template("roof")
    gateway.wait_saga(saga, "attention")
    equal((reason(gateway, saga)[1], sink.count("/crm")), ("body_changed", 1), "not sent")
    gateway.cli("saga", "resume", saga)
    wait_until("judged again", lambda: gateway.saga(saga)["steps"][0]["attempts"] == 3 and gateway.saga(saga)["state"] == "attention")
    equal((reason(gateway, saga)[1], sink.count("/crm")), ("body_changed", 1), "nor by a resume")
    gateway.kill()
    gateway.start()
    edit_template("general")
    gateway.cli("saga", "resume", saga)
    gateway.wait_saga(saga, "completed")
    first, second = sink.entries("/crm")
    equal((first["key"], first["body"]), (second["key"], second["body"]), "put back, it is a repeat of the first")
    sink.set_behaviour("/crm", {**LOST, "times": 1})
    saga = gateway.accepted("internal", donation(2))
    wait_until("it waits", lambda: gateway.saga(saga)["steps"][0]["state"] == "retry_wait")
    edit_template("organ")
    gateway.wait_saga(saga, "attention")
    gateway.cli("saga", "redo", saga, "crm")
    gateway.wait_saga(saga, "completed")
    first, second = sink.entries("/crm")[-2:]
    check(first["key"] != second["key"] and json.loads(second["body"])["fund"] == "organ", "a redo renders again, under a new key")
    sink.set_behaviour("/crm", {"status": 422, "times": 1})
    saga = gateway.wait_saga(gateway.accepted("internal", donation(3)), "attention")["id"]
    edit_template("bells")
    gateway.cli("saga", "resume", saga)
    gateway.wait_saga(saga, "completed")
    equal(json.loads(sink.entries("/crm")[-1]["body"])["fund"], "bells", "what certainly had no effect is rendered again")


def killed_and_edited(fixture):
    """Killed while a request was out, its template edited before the start: the other body is not sent under the same key."""
    sink = fixture.sink()
    gateway = single_target(fixture, sink, settings={"body": {"fund": "general"}})

    def restart(fund):
        gateway.kill()
        sink.set_behaviour("/crm")
        gateway.config["targets"]["crm"]["settings"]["body"]["fund"] = fund
        gateway.write(gateway.config)
        gateway.start()
    sink.set_behaviour("/crm", {"mode": "hang"})
    saga = gateway.accepted("internal", donation(1))
    wait_until("it is on its way", lambda: sink.count("/crm") == 1)
    restart("roof")
    gateway.wait_saga(saga, "attention")
    equal((reason(gateway, saga)[1], sink.count("/crm")), ("body_changed", 1), "not sent")
    restart("general")
    gateway.cli("saga", "resume", saga)
    gateway.wait_saga(saga, "completed")
    first, second = sink.entries("/crm")
    equal((first["key"], first["body"]), (second["key"], second["body"]), "put back, it is a repeat of the first")


if __name__ == "__main__":
    sys.exit(main([killed_at_each_point, fault_after_effect, keyed_with_ttl, keyed_and_looked_up, queryable, exists, unsafe, body_changed, killed_and_edited]))
