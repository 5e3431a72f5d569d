#!/usr/bin/env python3
"""Undo: what took effect is reversed, last first, and what cannot be reversed is a person's work, not a line in a log."""
import json
import sys

from harness import BUILD, INTERNAL, check, donation, equal, http_target, main, route, wait_until

QUICK = {"first": "20ms", "cap": "50ms"}


def undoable(sink, path, repeat="keyed", undo=None, **more):
    """A target at PATH whose undo goes to PATH-undo, with the event as its body."""
    settings = {"id": ".id", "undo": {"url": sink.url(path + "-undo"), **(undo or {})}, **more.pop("settings", {})}
    return http_target(sink.url(path), repeat=repeat, settings=settings, retry=more.pop("retry", QUICK), **more)


CHAIN = ("books", {"target": "crm", "after": ["books"]}, {"target": "mail", "after": ["crm"]})


def chain(fixture, sink, policy="compensate", steps=CHAIN, **targets):
    """books, crm after it, mail after that; the mail comes last and has no undo."""
    all_targets = {"books": undoable(sink, "/books"), "crm": undoable(sink, "/crm"),
                   "mail": http_target(sink.url("/mail"), retry={**QUICK, "attempts": 2}), **targets}
    return fixture.gateway({"sources": INTERNAL, "targets": all_targets, "routes": route(*steps, on_failure=policy),
                          "connectors": {"path": [str(BUILD / "tests" / "abi")]}})


def intents(gateway, saga, direction):
    return [r["step_name"] for r in gateway.rows("log", "export")
            if r["record"] == "intent" and r.get("id") == saga and r.get("direction", "do") == direction]


def states(saga):
    return {s["name"]: (s["state"], s.get("reason", "")) for s in saga["steps"]}


def in_reverse_order(fixture):
    """Rejected, exhausted and fault each set it off; the last is undone first, one after the other, under keys of their own."""
    sink = fixture.sink()
    rogue = {"connector": "rogue", "settings": {"where": "next", "how": "fault"}}
    gateway = chain(fixture, sink, steps=CHAIN, odd=rogue)
    for number, (url, reason) in enumerate(((sink.url("/mail"), "rejected"), ("http://127.0.0.1:1/nobody", "exhausted"))):
        sink.set_behaviour("/mail", {"status": 422})
        gateway.config["targets"]["mail"]["settings"]["url"] = url
        gateway.reload(gateway.config)
        saga = gateway.wait_saga(gateway.accepted("internal", donation(number)), "compensated")
        equal(intents(gateway, saga["id"], "undo"), ["crm", "books"], "the last first")
        equal(states(saga)["mail"], ("attention", reason), "what set it off stays to be seen")
        equal((sink.count("/crm-undo"), sink.count("/books-undo")), (number + 1, number + 1), "each undone once")
    entry, done = sink.entries("/crm-undo")[0], sink.entries("/crm")[0]
    equal(json.loads(entry["body"]), json.loads(done["body"]), "without a body of its own an undo sends the canonical event")
    check(entry["key"] and entry["key"] != done["key"], "under its own key")
    gateway.reload({**gateway.config, "routes": route(*CHAIN[:2], {"target": "odd", "after": ["crm"]}, on_failure="compensate")})
    saga = gateway.wait_saga(gateway.accepted("internal", donation(7)), "compensated")
    equal(states(saga)["odd"], ("attention", "fault"), "a fault, too")
    shown = gateway.cli("saga", "show", saga["id"])
    check("undo of crm, attempt 1: ok" in shown and "decided by the route's failure policy: compensate" in shown and "undone" in shown, f"and saga show tells it: {shown}")
    equal(gateway.admin("GET", "/v1/status")["sagas"]["compensated"], 3, "at rest")


def doubt_never_triggers_undo(fixture):
    """A step in doubt starts no undo; the undo starts when an operator decides that the step failed."""
    sink = fixture.sink()
    gateway = chain(fixture, sink, mail=http_target(sink.url("/mail"), repeat="unsafe"))
    sink.set_behaviour("/mail", {"mode": "close_after_body"})
    saga = gateway.wait_saga(gateway.accepted("internal", donation(1)), "attention")
    equal(states(saga)["mail"], ("attention", "in_doubt"), "in doubt")
    equal((sink.count("/crm-undo"), sink.count("/books-undo")), (0, 0), "nothing is undone")
    gateway.cli("saga", "resolve", saga["id"], "mail", "--not-done", "--reason", "asked them")
    gateway.wait_saga(saga["id"], "completed_partial")
    equal(sink.count("/crm-undo"), 0, "still nothing")


FORK = ("books", {"target": "crm", "after": ["books"]}, {"target": "mail", "after": ["books"], "undo": "none"})


def fork_in_doubt(fixture, sink, crm):
    """crm and mail both come after books: crm is in doubt, then mail fails."""
    gateway = chain(fixture, sink, steps=FORK, crm=crm)
    sink.set_behaviour("/crm", {"mode": "close_after_body", "times": 1})
    sink.set_behaviour("/mail", {"status": 422, "delay_ms": 300})
    return gateway, gateway.accepted("internal", donation(1))


def doubt_blocks_undo(fixture):
    """What may have happened holds the undo of what it builds on, until a person has looked."""
    sink = fixture.sink()
    for number, (word, undone) in enumerate((("--not-done", 0), ("--done", 1))):
        sink.call("DELETE", "/crm-undo"), sink.call("DELETE", "/books-undo")
        gateway, saga = fork_in_doubt(Named(fixture, f"gateway{number}"), sink, undoable(sink, "/crm", repeat="unsafe"))
        shown = gateway.wait_saga(saga, "attention")
        wait_until("mail has failed", lambda: states(gateway.saga(saga))["mail"][0] == "attention")
        shown = gateway.saga(saga)
        equal((shown["state"], shown["reason"], states(shown)["crm"]), ("attention", "in_doubt", ("attention", "in_doubt")), "it waits for a person")
        equal(sink.count("/books-undo"), 0, "and books with it")
        check("being undone" in gateway.cli_error("saga", "redo", saga, "crm", code=1), "nothing is sent again only to be undone")
        gateway.cli("saga", "resolve", saga, "crm", word)
        shown = gateway.wait_saga(saga, "compensated")
        equal((sink.count("/crm-undo"), sink.count("/books-undo")), (undone, 1), f"after {word}")
        gateway.stop()


def undo_of_nothing(fixture):
    """Where it is safe to undo what never happened, a step in doubt is undone without an operator."""
    sink = fixture.sink()
    gateway, saga = fork_in_doubt(fixture, sink, undoable(sink, "/crm", repeat="unsafe", undo={"nothing_is_safe": True}))
    gateway.wait_saga(saga, "compensated")
    equal((sink.count("/crm-undo"), sink.count("/books-undo")), (1, 1), "both undone")
    equal(intents(gateway, saga, "undo"), ["crm", "books"], "in order")


def doubt_is_looked_up(fixture):
    """… or looked up, where that can settle it without sending anything; the undo looks by the key that the do carried."""
    sink = fixture.sink()
    look = {"url": sink.url("/look/{{key}}"), "found": ".id", "id": ".id"}
    crm = http_target(sink.url("/crm"), repeat="queryable", retry={"first": "3s"},
                      settings={"lookup": look, "undo": {"method": "DELETE", "url": sink.url("/crm-undo/{{own.id}}")}})
    gateway = chain(fixture, sink, steps=FORK, crm=crm)
    sink.set_behaviour("/crm", {"mode": "close_after_body", "times": 1})
    sink.set_behaviour("/mail", {"status": 422})
    saga = gateway.accepted("internal", donation(1))
    wait_until("it was sent", lambda: sink.count("/crm") == 1)
    key = sink.entries("/crm")[0]["key"]
    sink.set_behaviour(f"/look/{key}", {"status": 200, "body": {"id": "c-77"}})
    gateway.wait_saga(saga, "compensated")
    equal((sink.count("/crm-undo/c-77"), sink.count("/books-undo")), (1, 1), "found, and undone by its number")
    check(sink.entries("/crm-undo/c-77")[0]["key"] != key, "under the undo's own key")


def unknown_is_looked_up(fixture):
    """A do that gave back no number is looked for by the do's key, after a redo by the last one."""
    sink = fixture.sink()
    look = {"url": sink.url("/look/{{key}}"), "found": ".id", "id": ".id"}
    crm = http_target(sink.url("/crm"), settings={"lookup": look, "undo": {"url": sink.url("/crm-undo/{{own.id}}")}}, retry=QUICK)
    gateway = fixture.gateway({"sources": INTERNAL, "targets": {"crm": crm}, "routes": route("crm")})
    for redo in (False, True):
        saga = gateway.accepted("internal", donation(redo))
        gateway.wait_saga(saga, "completed")
        if redo:
            gateway.cli("saga", "redo", saga, "crm")
            wait_until("sent again", lambda: sink.count("/crm") == 3)
            gateway.wait_saga(saga, "completed")
        key = sink.entries("/crm")[-1]["key"]
        sink.set_behaviour(f"/look/{key}", {"status": 200, "body": {"id": f"c-{redo}"}})
        gateway.cli("saga", "compensate", saga)
        gateway.wait_saga(saga, "compensated")
        equal(sink.count(f"/crm-undo/c-{redo}"), 1, "found and undone")


def kept_steps(fixture):
    """A step without undo is kept and reported, and `check` demands that the configuration allows it."""
    sink = fixture.sink()
    config = {"sources": INTERNAL, "targets": {"gift": http_target(sink.url("/gift"), retry=QUICK), "books": undoable(sink, "/books"),
                                               "mail": http_target(sink.url("/mail"), retry=QUICK)}}
    steps = ("books", {"target": "gift", "after": ["books"]}, {"target": "mail", "after": ["gift"]})
    gateway = fixture.gateway({**config, "routes": route(*steps, on_failure="compensate")}, start=False)
    refused = gateway.cli_error("check", code=1)
    check("gift" in refused and "cannot be undone" in refused and '"undo": "none"' in refused, refused)
    marked = (steps[0], {**steps[1], "undo": "none"}, steps[2])
    gateway.write({**config, "routes": route(*marked, on_failure="compensate")})
    gateway.cli("check")
    gateway.start()
    sink.set_behaviour("/mail", {"status": 422})
    saga = gateway.wait_saga(gateway.accepted("internal", donation(1)), "compensated")
    equal((states(saga)["gift"][0], states(saga)["books"][0]), ("kept", "succeeded"), "one stays, one is undone")
    equal((sink.count("/gift"), sink.count("/books-undo")), (1, 1), "kept")
    gateway.write({**config, "routes": route(*steps)})
    gateway.cli("check")  # without `compensate` nothing is asked
    sink.set_behaviour("/mail", {"status": 200})
    saga = gateway.wait_saga(gateway.accepted("internal", donation(2)), "completed")["id"]
    tried = gateway.cli("saga", "compensate", saga, "--dry-run")
    check("would be compensating" in tried and "1 step would be undone" in tried and "gift, mail would be kept" in tried, f"a dry run: {tried}")
    equal((gateway.saga(saga)["state"], sink.count("/books-undo")), ("completed", 1), "which changed nothing")


def failing_undo(fixture):
    """An undo that fails needs a person, stops those that come after it, and has budget and verbs of its own."""
    sink = fixture.sink()
    limited = {"retry": {**QUICK, "attempts": 3}}
    gateway = chain(fixture, sink, crm=undoable(sink, "/crm", **limited))
    sink.set_behaviour("/mail", {"status": 422})
    sink.set_behaviour("/crm", {"status": 503, "times": 2})  # the do spends two of three
    sink.set_behaviour("/crm-undo", {"status": 503})
    saga = gateway.wait_saga(gateway.accepted("internal", donation(1)), "attention")
    equal((saga["reason"], states(saga)["crm"]), ("undo_failed", ("attention", "undo_failed")), "a work item")
    equal((sink.count("/crm-undo"), sink.count("/books-undo")), (3, 0), "three tries of its own; books waits")
    equal(gateway.sagas("--state", "attention")[0]["id"], saga["id"], "listed")
    sink.set_behaviour("/crm-undo", {"status": 422, "times": 1})
    gateway.cli("saga", "resume", saga["id"])
    wait_until("refused at once", lambda: sink.count("/crm-undo") == 4)
    gateway.wait_saga(saga["id"], "attention")
    gateway.cli("saga", "retry", saga["id"], "crm")
    gateway.wait_saga(saga["id"], "compensated")
    equal((sink.count("/crm-undo"), sink.count("/books-undo")), (5, 1), "then the rest")
    keys = [e["key"] for e in sink.entries("/crm-undo")]
    equal(len(set(keys[:3])), 1, "one key for the tries of one generation")
    for word, number in (("skip", 2), ("--done", 3), ("--not-done", 4)):
        sink.set_behaviour("/crm-undo", {"status": 422, "times": 1})
        saga = gateway.wait_saga(gateway.accepted("internal", donation(number)), "attention")
        words = ["skip", saga["id"], "crm"] if word == "skip" else ["resolve", saga["id"], "crm", word]
        gateway.cli("saga", *words, "--reason", "by hand")
        ended = states(gateway.wait_saga(saga["id"], "compensated"))["crm"][0]
        equal(ended, "succeeded" if word == "--done" else "kept", f"after {word}")
        equal(sink.count("/books-undo"), number, "and the others follow")


def unsafe_undo_in_doubt(fixture):
    """An undo that may have worked and cannot be repeated is in doubt like any other call; redo sends it under a new key."""
    sink = fixture.sink()
    gateway = chain(fixture, sink, crm=undoable(sink, "/crm", repeat="unsafe"))
    sink.set_behaviour("/mail", {"status": 422})
    sink.set_behaviour("/crm-undo", {"mode": "close_after_body", "times": 1})
    saga = gateway.wait_saga(gateway.accepted("internal", donation(1)), "attention")
    equal((saga["reason"], sink.count("/crm-undo"), sink.count("/books-undo")), ("in_doubt", 1, 0), "once, and the rest waits")
    gateway.cli("saga", "resume", saga["id"])
    equal(gateway.saga(saga["id"])["reason"], "in_doubt", "left standing")
    check("crm              undo attention (in_doubt)" in gateway.cli("saga", "show", saga["id"]), "and it is the undo that is in doubt")
    gateway.cli("saga", "redo", saga["id"], "crm")
    gateway.wait_saga(saga["id"], "compensated")
    sink.set_behaviour("/crm-undo", {"mode": "close_after_body", "times": 1})
    saga = gateway.wait_saga(gateway.accepted("internal", donation(2)), "attention")
    gateway.cli("saga", "resume", "--all", "--yes", "--redo-in-doubt")
    gateway.wait_saga(saga["id"], "compensated")
    keys = [e["key"] for e in sink.entries("/crm-undo")]
    equal((len(keys), len(set(keys))), (4, 4), "sent again under a new key")


def nothing_is_done_after_its_undo(fixture):
    """While it is being undone, and after: no verb does it again, and what was on its way is awaited, then undone."""
    sink = fixture.sink()
    gateway = chain(fixture, sink, policy="continue")
    sink.set_behaviour("/mail", {"status": 503})
    sink.set_behaviour("/crm", {"status": 200, "delay_ms": 700})
    saga = gateway.accepted("internal", donation(1))
    wait_until("crm is being done", lambda: states(gateway.saga(saga))["crm"][0] == "running")
    gateway.cli("saga", "compensate", saga, "--reason", "given back")
    gateway.wait_saga(saga, "compensated")
    equal((sink.count("/crm"), sink.count("/crm-undo"), sink.count("/books-undo"), sink.count("/mail")), (1, 1, 1, 0), "awaited, undone; mail not begun")
    check("undone" in gateway.cli_error("saga", "redo", saga, "crm", code=1), "redo")
    check("undone" in gateway.cli_error("saga", "redo", saga, "mail", code=1), "redo of what was never begun")
    gateway.cli_error("saga", "retry", saga, "crm", code=1)
    check("undone" in gateway.cli_error("saga", "resume", saga, code=1), "resume")
    gateway.cli("saga", "compensate", saga)  # so already
    gateway.stop()
    gateway.start()
    equal((sink.count("/crm"), sink.count("/crm-undo")), (1, 1), "also not after a restart")


def hold_policy(fixture):
    """on_failure: hold starts no further step and waits for a person; a step that an operator starts continues."""
    sink = fixture.sink()
    steps = ("crm", "books", {"target": "mail", "after": ["books"]})
    gateway = chain(fixture, sink, policy="hold", steps=steps)
    sink.set_behaviour("/crm", {"status": 422, "times": 1})
    sink.set_behaviour("/books", {"status": 200, "delay_ms": 400})
    saga = gateway.accepted("internal", donation(1))
    wait_until("books is done", lambda: states(gateway.saga(saga))["books"][0] == "succeeded")
    shown = gateway.saga(saga)
    equal((shown["state"], shown["reason"], states(shown)["mail"][0], sink.count("/mail")), ("attention", "rejected", "ready", 0), "mail is held")
    equal((sink.count("/books-undo"), sink.count("/crm-undo")), (0, 0), "and nothing undone")
    gateway.cli("saga", "resume", saga)
    gateway.wait_saga(saga, "completed")
    equal(sink.count("/mail"), 1, "then it continues")


def operator_compensates(fixture):
    """One, or all that match: counted first, not without --yes, noted with who and why."""
    sink = fixture.sink()
    gateway = chain(fixture, sink, policy="continue", steps=CHAIN[:2])
    ids = [gateway.accepted("internal", donation(n, donor=f"d{n % 2}@example.org")) for n in range(6)]
    gateway.wait_all("completed", 6)
    gateway.cli("saga", "compensate", ids[0], "--reason", "booked by mistake")
    gateway.wait_saga(ids[0], "compensated")
    check("booked by mistake" in gateway.cli("saga", "show", ids[0]), "why stands in its timeline")
    check("2 sagas match" in gateway.cli("saga", "compensate", "--all", "--donor", "d0@example.org", "--state", "completed", "--dry-run"), "counted first")
    gateway.cli_error("saga", "compensate", "--all", "--donor", "d0@example.org", "--state", "completed", code=1)
    equal(sink.count("/crm-undo"), 1, "not without --yes")
    gateway.cli("saga", "compensate", "--all", "--donor", "d0@example.org", "--state", "completed", "--yes")
    gateway.wait_all("compensated", 3)
    gateway.cli("saga", "compensate", ids[1], ids[3])
    gateway.wait_all("compensated", 5)
    equal((sink.count("/crm-undo"), sink.count("/books-undo"), gateway.saga(ids[5])["state"]), (5, 5, "completed"), "those, and no other")
    gateway.cli_error("saga", "compensate", 999, code=3)


def later_events_wait(fixture):
    """An undo goes before later events of its donor; other donors pass."""
    sink = fixture.sink()
    gateway = chain(fixture, sink, policy="continue", steps=("crm",))
    first = gateway.accepted("internal", donation(1, donor="anna@example.org"))
    gateway.wait_saga(first, "completed")
    sink.set_behaviour("/crm-undo", {"status": 503})
    gateway.cli("saga", "compensate", first)
    wait_until("the undo is tried", lambda: sink.count("/crm-undo") > 0)
    second = gateway.accepted("internal", donation(2, donor="anna@example.org"))
    other = gateway.accepted("internal", donation(3, donor="bert@example.org"))
    gateway.wait_saga(other, "completed")
    equal((gateway.saga(second)["steps"][0]["why"], sink.count("/crm")), ("lane", 2), "it stands behind the undo")
    gateway.kill()
    gateway.start()
    wait_until("the undo is tried again", lambda before=sink.count("/crm-undo"): sink.count("/crm-undo") > before)
    equal((gateway.saga(second)["steps"][0]["why"], sink.count("/crm")), ("lane", 2), "also after a kill")
    sink.set_behaviour("/crm-undo")
    gateway.wait_saga(second, "completed")
    gateway.wait_saga(first, "compensated")


def target_gone(fixture):
    """What was done at a target that is no longer configured is not called kept: its undo waits for a person, or for the target."""
    sink = fixture.sink()
    gateway = chain(fixture, sink, policy="continue", steps=CHAIN[:2])
    whole = gateway.config
    ids = [gateway.wait_saga(gateway.accepted("internal", donation(n)), "completed")["id"] for n in range(2)]
    gateway.stop()
    gateway.write({**whole, "targets": {"books": whole["targets"]["books"]}, "routes": route("books")})
    gateway.start()
    gateway.cli("saga", "compensate", *ids)
    for saga in ids:
        shown = gateway.wait_saga(saga, "attention")
        equal((shown["reason"], states(shown)["crm"][1], sink.count("/books-undo")), ("undo_failed", "undo_failed", 0), "not undone, and said so")
        check('no target "crm"' in json.dumps(shown, ensure_ascii=False).replace('\\"', '"'), f"why: {shown}")
    gateway.cli("saga", "skip", ids[0], "crm", "--reason", "done by hand")
    gateway.wait_saga(ids[0], "compensated")
    gateway.reload(whole)
    gateway.cli("saga", "resume", ids[1])
    gateway.wait_saga(ids[1], "compensated")
    equal((sink.count("/crm-undo"), sink.count("/books-undo")), (1, 2), "with the target back it is undone")


class Named:
    """The fixture, with another name for its gateway."""

    def __init__(self, fixture, name):
        self.fixture, self.name = fixture, name

    def gateway(self, config):
        return self.fixture.gateway(config, name=self.name)


def shipped_connectors(fixture):
    """The receipt is voided in the accounts, the contribution cancelled in the CRM, each once; again is nothing."""
    sink = fixture.sink()
    retry = {"retry": QUICK, "breaker": {"consecutive": 1000, "minimum": 1000}}
    books = {"connector": "accounting", "settings": {"provider": "quickbooks", "base_url": sink.url("/quickbooks"), "realm_id": "1",
                                                     "access_token": "token-for-books", "item_ref": "1", "home_currency": "EUR"}, **retry}
    crm = {"connector": "crm", "settings": {"provider": "civicrm", "base_url": sink.url(""), "api_key": "key-for-civi"}, **retry}
    gateway = chain(fixture, sink, books=books, crm=crm)
    good = gateway.wait_saga(gateway.accepted("internal", donation(1)), "completed")
    sink.set_behaviour("/mail", {"status": 422})
    bad = gateway.wait_saga(gateway.accepted("internal", donation(2)), "compensated")
    equal(intents(gateway, bad["id"], "undo"), ["crm", "books"], "in order")
    def found():
        books, civi = sink.stats("/quickbooks", entries=True)["stub"], sink.stats("/civicrm", entries=True)["stub"]["tables"]
        return ([len(books["customers"]), [r["TotalAmt"] for r in books["salesreceipts"]], books["voided"]],
                [len(civi["Contact"]), [c["contribution_status_id:name"] for c in civi["Contribution"]]])
    equal(found(), ([1, [25.0, 0.0], 1], [1, ["Completed", "Cancelled"]]), "one of two receipts is void, one of two contributions cancelled")
    sink.set_behaviour("/civicrm", {"status": 503, "times": 1})
    gateway.cli("saga", "compensate", good["id"])
    gateway.wait_saga(good["id"], "compensated")
    equal(found(), ([1, [0.0, 0.0], 2], [1, ["Cancelled", "Cancelled"]]), "by hand, too, once each")


if __name__ == "__main__":
    sys.exit(main([in_reverse_order, doubt_never_triggers_undo, doubt_blocks_undo, undo_of_nothing, doubt_is_looked_up, unknown_is_looked_up, kept_steps,
                   failing_undo, unsafe_undo_in_doubt, nothing_is_done_after_its_undo, hold_policy, operator_compensates, target_gone, later_events_wait, shipped_connectors]))
