#!/usr/bin/env python3
"""Every cell of verb × state, by the command line, against a real daemon. What is expected stands here in words; it is not
read from the program (saga/model/verbs.c)."""
import re
import sqlite3
import subprocess
import sys

from harness import ALMONER, SLOW, check, donation, equal, http_target, main, wait_until

# ---- what is expected

NO, ALREADY = "refused", "already"


def refused_with(*words):
    """Refused; the text says why and what to do instead, in these words."""
    return (NO, words)


def leads_to(state, direction="do", **more):
    return (state, direction, more)


RUNNING = refused_with("under way", "wait for its outcome")
TARGET_GONE = refused_with("no such target", "add it again", "skip")
KEPT = refused_with("is kept", "undo it by hand")
DOUBT = refused_with("may have taken effect", "as done or not done")
SENT = refused_with("took effect", "redo sends it again", "compensate undoes")
STILL = refused_with("nothing was sent yet", "skip it")
READY, DONE, SKIPPED = leads_to("ready"), leads_to("succeeded"), leads_to("skipped")

# The state of a step → what each verb does to it. All targets are paused, so what is to be sent stays `ready`.
STEP_VERBS = ("resume", "retry", "redo", "done", "not-done", "skip")
STEPS = {
    #                  resume                     retry                                      redo                                                 resolve --done                                   resolve --not-done        skip
    "waiting":        (ALREADY,                   refused_with("waits for", "settle those"), refused_with("not been sent yet", "once the steps"), DONE,                                            STILL,                    SKIPPED),
    "ready":          (ALREADY,                   ALREADY,                                   refused_with("about to be sent", "wait"),            DONE,                                            STILL,                    SKIPPED),
    "running":        (ALREADY,                   RUNNING,                                   RUNNING,                                             RUNNING,                                         RUNNING,                  RUNNING),
    "retry_wait":     (READY,                     READY,                                     READY,                                               DONE,                                            SKIPPED,                  SKIPPED),
    "succeeded":      (ALREADY,                   SENT,                                      READY,                                               ALREADY,                                         SENT,                     SENT),
    "skipped":        (ALREADY,                   refused_with("skipped", "redo does it"),   READY,                                               DONE,                                            ALREADY,                  ALREADY),
    "when":           (ALREADY,                   refused_with("skipped", "redo does it"),   refused_with("condition", "not for this event"),     refused_with("condition", "not for this event"), ALREADY,                  ALREADY),
    "kept":           (ALREADY,                   KEPT,                                      KEPT,                                                KEPT,                                            ALREADY,                  ALREADY),
    "rejected":       (READY,                     READY,                                     READY,                                               DONE,                                            SKIPPED,                  SKIPPED),
    "exhausted":      (READY,                     READY,                                     READY,                                               DONE,                                            SKIPPED,                  SKIPPED),
    "in_doubt":       ("doubt",                   DOUBT,                                     READY,                                               DONE,                                            SKIPPED,                  DOUBT),
    "fault":          (READY,                     READY,                                     READY,                                               DONE,                                            SKIPPED,                  SKIPPED),
    "body_changed":   (READY,                     READY,                                     READY,                                               DONE,                                            SKIPPED,                  DOUBT),
    "target_missing": (TARGET_GONE,               TARGET_GONE,                               TARGET_GONE,                                         DONE,                                            SKIPPED,                  SKIPPED),
    "undo_failed":    (leads_to("ready", "undo"), leads_to("ready", "undo"),                 leads_to("ready", "undo"),                           leads_to("succeeded", "undo"),                   leads_to("kept", "undo"), leads_to("kept", "undo")),
}

COMPLETE = refused_with("complete", "redo sends", "compensate undoes")
UNDONE = refused_with("has been undone", "send the event anew")
LAID_DOWN = refused_with("was cancelled", "compensate undoes")
UNROUTED = refused_with("no route took this event", "send the event anew")
NO_STEPS = refused_with("no steps yet", "reprocess", "cancel lays it aside")
MAPPED = refused_with("only an event that is quarantined", "mapped again", "resume or redo")

# The state of a saga → what each verb does to it: its state afterwards.
SAGA_VERBS = ("resume", "pause", "cancel", "compensate", "reprocess")
SAGAS = {
    #                     resume               pause                     cancel                                       compensate               reprocess
    "running":           (ALREADY,             leads_to("paused"),       leads_to("cancelled"),                       leads_to("compensated"), MAPPED),
    "paused":            (leads_to("running"), ALREADY,                  leads_to("cancelled"),                       leads_to("compensated"), MAPPED),
    "compensating":      (ALREADY,             leads_to("compensating"), refused_with("is being undone", "pause the saga"), ALREADY,                 MAPPED),
    "attention":         (leads_to("running"), leads_to("attention"),    leads_to("cancelled"),                       leads_to("compensated"), MAPPED),
    "completed":         (COMPLETE,            COMPLETE,                 COMPLETE,                                    leads_to("compensated"), MAPPED),
    "completed_partial": (COMPLETE,            COMPLETE,                 COMPLETE,                                    leads_to("compensated"), MAPPED),
    "compensated":       (UNDONE,              UNDONE,                   UNDONE,                                      ALREADY,                 UNDONE),
    "cancelled":         (LAID_DOWN,           LAID_DOWN,                ALREADY,                                     leads_to("compensated"), LAID_DOWN),
    "unrouted":          (UNROUTED,            UNROUTED,                 UNROUTED,                                    UNROUTED,                UNROUTED),
    "quarantined":       (NO_STEPS,            NO_STEPS,                 leads_to("cancelled"),                       NO_STEPS,                refused_with("still not usable")),
    "gift_missing":      (NO_STEPS,            NO_STEPS,                 leads_to("cancelled"),                       NO_STEPS,                refused_with("a gift that has not come", "send the gift's event", "cancel")),
}

# What the saga's own state forbids its steps, whatever theirs.
CANCELLED = refused_with("saga was cancelled", "compensate undoes")
UNDOING = refused_with("being undone", "resolve it")
GUARDS = {
    #                        resume      retry                                      redo       resolve --done  resolve --not-done  skip
    "cancelled, in_doubt":  (CANCELLED,  CANCELLED,                                 CANCELLED, DONE,           SKIPPED,            CANCELLED),
    "paused, rejected":     (READY,      refused_with("saga is paused", "resume the saga"),   READY,     DONE,           SKIPPED,            SKIPPED),
    "undoing, in_doubt":    (UNDOING,    UNDOING,                                   UNDOING,   leads_to("kept"),      SKIPPED,            DOUBT),
}


# ---- a world in which every state occurs, once for each verb

class VerbFixture:
    def __init__(self, fixture):
        self.sink = fixture.sink()
        self.number = 0
        sink = self.sink
        hour = {"retry": {"first": "1h", "cap": "1h"}}
        undo = {"settings": {"undo": {"method": "DELETE", "url": sink.url("/undo")}}}
        bad_undo = {"settings": {"undo": {"method": "DELETE", "url": sink.url("/badundo")}}}
        self.config = {
            "drain": "100ms",
            "sources": {"internal": {"verify": "none", "map": "."},
                        "forms": {"verify": "none", "map": ".", "gift_made": ".kind == \"made\"", "related": ".kind == \"note\""}},
            "targets": {
                "ok": http_target(sink.url("/ok")),
                "no": http_target(sink.url("/no")), "no2": http_target(sink.url("/no")), "no3": http_target(sink.url("/no")),
                "later": http_target(sink.url("/later"), **hour),
                "tired": http_target("http://127.0.0.1:1/closed", retry={"attempts": 1}),
                "doubt": http_target(sink.url("/doubt"), repeat="unsafe"),
                "changed": http_target(sink.url("/changed"), **hour),
                "gone": http_target(sink.url("/gone")),
                "still": http_target(sink.url("/still")),
                # One each: a target that has not answered yet gets one at a time.
                **{f"hang{n}": http_target(sink.url("/hang"), limits={"timeout": "10m"}) for n in range(6)},
                "undo": http_target(sink.url("/ok"), **undo),
                "badundo": http_target(sink.url("/ok"), **bad_undo),
            },
            "routes": [self.route(name, *steps) for name, steps in {
                "waiting": ["no2", {"target": "ok", "name": "it", "after": ["no2"]}], "ready": [{"target": "still", "name": "it"}],
                **{f"running{n}": [{"target": f"hang{n}", "name": "it"}] for n in range(6)}, "retry_wait": [{"target": "later", "name": "it"}],
                "succeeded": [{"target": "ok", "name": "it"}], "when": [{"target": "ok", "name": "it", "when": "false"}],
                "rejected": [{"target": "no", "name": "it"}], "rejected3": [{"target": "no3", "name": "it"}],
                "exhausted": [{"target": "tired", "name": "it"}], "in_doubt": [{"target": "doubt", "name": "it"}],
                "fault": ["ok", {"target": "ok", "name": "it", "after": ["ok"], "when": ".amount | error"}], "body_changed": [{"target": "changed", "name": "it"}],
                "target_missing": [{"target": "gone", "name": "it"}], "undo_failed": [{"target": "badundo", "name": "it"}],
                "compensating": [{"target": "undo", "name": "it"}]}.items()]}
        sink.set_behaviour("/no", {"status": 422})
        sink.set_behaviour("/later", {"status": 429})
        sink.set_behaviour("/changed", {"status": 500})
        sink.set_behaviour("/doubt", {"mode": "close_after_body"})
        sink.set_behaviour("/hang", {"mode": "hang"})
        sink.set_behaviour("/badundo", {"status": 422})
        self.gateway = fixture.gateway(self.config)

    @staticmethod
    def route(name, *steps):
        return {"name": name, "match": {"source": "*", "type": f"donation.{name}"}, "steps": [s if isinstance(s, dict) else {"target": s} for s in steps]}

    def send_event(self, route):
        self.number += 1
        return self.gateway.accepted("internal", donation(self.number, donor=f"d{self.number}@example.org", type=f"donation.{route}"))

    def send_events(self, route, count):
        return [self.send_event(route) for _ in range(count)]

    def step(self, saga):
        return next(s for s in self.gateway.admin("GET", f"/v1/sagas/{saga}")["steps"] if s["name"] == "it")

    def wait_step(self, sagas, state, reason=None):
        for saga in sagas:
            wait_until(f"step of {saga} is {state} {reason}", lambda: (self.step(saga)["state"] == state  # pylint: disable=cell-var-from-loop
                                                                  and reason in (None, self.step(saga)["reason"])))  # pylint: disable=cell-var-from-loop
        return sagas

    def post(self, saga, verb, **body):
        return self.gateway.admin("POST", f"/v1/sagas/{saga}/{verb}", body)

    def pause_all(self):
        for target in self.gateway.rows("target", "list"):
            if target["state"] != "paused":
                self.gateway.admin("POST", f"/v1/targets/{target['name']}/pause", {})


def steps_in_each_state(verb_fixture):
    """For each state six sagas whose step `it` is in it."""
    gateway, count = verb_fixture.gateway, len(STEP_VERBS)
    for name in ("still", "gone"):
        gateway.cli("target", "pause", name)
    at = {}
    at["target_missing"] = verb_fixture.wait_step(verb_fixture.send_events("target_missing", count), "ready")
    at["body_changed"] = verb_fixture.wait_step(verb_fixture.send_events("body_changed", count), "retry_wait")
    verb_fixture.config["targets"]["changed"]["settings"]["body"] = "{\"another\": \"{{event.id}}\"}"
    gateway.reload(verb_fixture.config)
    for saga in at["body_changed"]:
        verb_fixture.post(saga, "retry", step="it")
    verb_fixture.wait_step(at["body_changed"], "attention", "body_changed")
    at["undo_failed"] = verb_fixture.wait_step(verb_fixture.send_events("undo_failed", count), "succeeded")
    at["kept"] = verb_fixture.wait_step(verb_fixture.send_events("succeeded", count), "succeeded")
    for saga in at["undo_failed"] + at["kept"]:
        verb_fixture.post(saga, "compensate")
    verb_fixture.wait_step(at["undo_failed"], "attention", "undo_failed")
    verb_fixture.wait_step(at["kept"], "kept")
    for state, route, shown, reason in (("rejected", "rejected", "attention", "rejected"), ("exhausted", "exhausted", "attention", "exhausted"),
                                        ("in_doubt", "in_doubt", "attention", "in_doubt"), ("fault", "fault", "attention", "fault"),
                                        ("retry_wait", "retry_wait", "retry_wait", None), ("succeeded", "succeeded", "succeeded", None),
                                        ("when", "when", "skipped", "when"), ("ready", "ready", "ready", None),
                                        ("waiting", "waiting", "waiting", None)):
        at[state] = verb_fixture.wait_step(verb_fixture.send_events(route, count), shown, reason)
    at["skipped"] = verb_fixture.wait_step(verb_fixture.send_events("ready", count), "ready")
    for saga in at["skipped"]:
        verb_fixture.post(saga, "skip", step="it")
    with_guard(verb_fixture, at, count)
    # A target that is gone at the start; what runs cannot outlive it, so it comes last.
    gateway.stop()
    del verb_fixture.config["targets"]["gone"]
    verb_fixture.config["routes"] = [r for r in verb_fixture.config["routes"] if r["name"] != "target_missing"]
    gateway.write(verb_fixture.config)
    gateway.start()
    verb_fixture.wait_step(at["target_missing"], "attention", "target_missing")
    at["running"] = verb_fixture.wait_step([verb_fixture.send_event(f"running{n}") for n in range(count)], "running")
    verb_fixture.pause_all()
    return at


def with_guard(verb_fixture, at, count):
    for key, route, reason, verb in (("cancelled, in_doubt", "in_doubt", "in_doubt", "cancel"), ("paused, rejected", "rejected3", "rejected", "pause"),
                                     ("undoing, in_doubt", "in_doubt", "in_doubt", "compensate")):
        at[key] = verb_fixture.wait_step(verb_fixture.send_events(route, count), "attention", reason)
        for saga in at[key]:
            verb_fixture.post(saga, verb)


def sagas_in_each_state(verb_fixture):
    """For each state five sagas that are in it."""
    gateway, count = verb_fixture.gateway, len(SAGA_VERBS)
    gateway.cli("target", "pause", "still")
    at = {"gift_missing": [], "quarantined": [], "unrouted": []}
    for n in range(count):
        status, _ = gateway.post("forms", {**donation(f"note-{n}"), "kind": "note"})
        check(status in (200, 202), f"related: {status}")
        at["quarantined"].append(gateway.accepted("internal", {"id": f"q-{n}", "type": "donation.ready"}))
        at["unrouted"].append(gateway.accepted("internal", donation(f"u-{n}", type="nobody.wants")))
    # The test does not wait an hour for the gift: the hour is over when the daemon starts again.
    gateway.stop()
    store = sqlite3.connect(gateway.folder / "almoner.db")
    equal(store.execute("UPDATE related SET due = 1 WHERE saga = 0").rowcount, count, "they wait")
    store.commit()
    store.close()
    gateway.start()
    wait_until("gifts are missing", lambda: len(gateway.sagas("--attention", "gift_missing")) == count)
    at["gift_missing"] = [s["id"] for s in gateway.sagas("--attention", "gift_missing")]
    at["attention"] = verb_fixture.wait_step(verb_fixture.send_events("rejected", count), "attention")
    at["completed_partial"] = verb_fixture.wait_step(verb_fixture.send_events("rejected3", count), "attention")
    at["completed"] = verb_fixture.wait_step(verb_fixture.send_events("succeeded", count), "succeeded")
    at["compensated"] = verb_fixture.wait_step(verb_fixture.send_events("compensating", count), "succeeded")
    for saga in at["compensated"]:
        verb_fixture.post(saga, "compensate")
        gateway.wait_saga(saga, "compensated")
    at["compensating"] = verb_fixture.wait_step(verb_fixture.send_events("compensating", count), "succeeded")
    at["running"] = verb_fixture.send_events("ready", count)
    at["paused"] = verb_fixture.send_events("ready", count)
    at["cancelled"] = verb_fixture.send_events("ready", count)
    verb_fixture.pause_all()
    for state, verb in (("completed_partial", "skip"), ("compensating", "compensate"), ("paused", "pause"), ("cancelled", "cancel")):
        for saga in at[state]:
            verb_fixture.post(saga, verb, **({"step": "it"} if verb == "skip" else {}))
    for state, sagas in at.items():
        for saga in sagas:
            found = gateway.admin("GET", f"/v1/sagas/{saga}")
            shown = "attention" if state in ("quarantined", "gift_missing") else state
            equal((found["state"], found["reason"] if shown != state else None), (shown, state if shown != state else None), f"saga {saga}")
    return at


# ---- holding what is said against what is expected

def run(gateway, *words):
    done = subprocess.run([str(ALMONER), *map(str, words), "--config", str(gateway.config_path)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60 * SLOW, check=False)
    return done.returncode, done.stdout, done.stderr


def run_step_verb(verb_fixture, saga, verb):
    if verb == "resume":  # the command line resumes whole sagas; the API also one step
        answer = verb_fixture.post(saga, "resume", step="it")
        return (1, "", f"almoner: {answer['error']}\n") if "error" in answer else (0, f"{answer}", "")
    words = {"done": ("resolve", saga, "it", "--done"), "not-done": ("resolve", saga, "it", "--not-done")}.get(verb, (verb, saga, "it"))
    return run(verb_fixture.gateway, "saga", *words)


def names_alternative(error, where, state_words):
    """`almoner: VERB: (step "it" of) saga N is STATE[, REASON]: WHY AND WHAT TO DO`."""
    check(error.count("\n") == 1 and error.startswith("almoner: "), f"{where}: one line: {error!r}")
    check(re.match(r'almoner: [a-z-]+: (step "[^"]+" of )?saga \d+ is [a-z_(), ]+: ', error), f"{where}: says what it is: {error!r}")
    check(all(word in error for word in state_words), f"{where}: names its state {state_words}: {error!r}")
    check(len(error.rsplit(": ", 1)[1]) > 15, f"{where}: says why: {error!r}")


def check_refused(where, words, code, out, error):
    equal((code, out), (1, ""), f"{where}: {error}")
    for word in words:
        check(word in error, f"{where}: does not say {word!r}: {error!r}")


def check_step_cell(verb_fixture, saga, verb, expected, where):
    before = verb_fixture.step(saga)
    code, out, error = run_step_verb(verb_fixture, saga, verb)
    after = verb_fixture.step(saga)
    if expected[0] == NO:
        check_refused(where, expected[1], code, out, error)
        names_alternative(error, where, [before["state"], before["reason"] or ""] if before["state"] == "attention" else [before["state"]])
        equal(after, before, f"{where}: nothing moved")
    elif expected in (ALREADY, "doubt"):
        equal((code, after), (0, before), f"{where}: {out} {error}")
        check(verb == "resume" or "nothing to change" in out, f"{where}: {out}")
        check(expected == ALREADY or "'in_doubt': 1" in out, f"{where}: {out}")
    else:
        equal((code, after["state"], after["direction"]), (0, expected[0], expected[1]), f"{where}: {out} {error}")
        check(verb == "resume" or ": done; the saga is now" in out, f"{where}: {out}")


def check_saga_cell(verb_fixture, saga, verb, expected, where):
    gateway = verb_fixture.gateway
    before = gateway.admin("GET", f"/v1/sagas/{saga}")
    code, out, error = run(gateway, *(("event", "reprocess") if verb == "reprocess" else ("saga", verb)), saga)
    after = gateway.admin("GET", f"/v1/sagas/{saga}")
    if expected[0] == NO:
        check_refused(where, expected[1], code, out, error)
        if before["reason"] is None:  # of what can be mapped again, the text says what is wrong with the event
            names_alternative(error, where, [before["state"]])
        equal(after, before, f"{where}: nothing moved")
    elif expected == ALREADY:
        equal((code, after["state"], len(after["log"])), (0, before["state"], len(before["log"])), f"{where}: {out} {error}")
        check("nothing to change" in out, f"{where}: {out}")
    else:
        equal((code, after["state"]), (0, expected[0]), f"{where}: {out} {error}")
        check(f"done; the saga is now {expected[0]}" in out, f"{where}: {out}")
        equal(after["paused"], verb == "pause", f"{where}: paused")


def every_cell(table, at, verbs, check_cell):
    """All of them are tried before the first that differs fails the test."""
    wrong, cells = [], 0
    for state, row in table.items():
        equal(len(row), len(verbs), f"a whole row for {state}")
        for n, verb in enumerate(verbs):
            cells += 1
            try:
                check_cell(at[state][n], verb, row[n], f"{verb} on {state}")
            except AssertionError as differs:
                wrong.append(str(differs))
    check(not wrong, f"{len(wrong)} of {cells} cells differ:\n" + "\n".join(wrong))


def verbs_on_steps(fixture):
    verb_fixture = VerbFixture(fixture)
    at = steps_in_each_state(verb_fixture)
    every_cell({**STEPS, **GUARDS}, at, STEP_VERBS, lambda *cell: check_step_cell(verb_fixture, *cell))
    verb_fixture.gateway.stop()
    verb_fixture.gateway.cli("verify")


def verbs_on_sagas(fixture):
    verb_fixture = VerbFixture(fixture)
    at = sagas_in_each_state(verb_fixture)
    every_cell(SAGAS, at, SAGA_VERBS, lambda *cell: check_saga_cell(verb_fixture, *cell))
    verb_fixture.gateway.stop()
    verb_fixture.gateway.cli("verify")


def verbs_that_do_not_fit(fixture):
    """A verb for a step given to a saga, one for a saga given to a step, and verbs for a saga or step that does not exist."""
    verb_fixture = VerbFixture(fixture)
    gateway = verb_fixture.gateway
    saga = verb_fixture.wait_step([verb_fixture.send_event("rejected")], "attention")[0]
    for verb in ("retry", "redo", "skip"):
        check("name the step" in verb_fixture.post(saga, verb)["error"], verb)
        gateway.cli_error("saga", verb, saga, code=2)
    check("name the step" in verb_fixture.post(saga, "resolve", **{"as": "done"})["error"], "resolve")
    for verb in ("pause", "cancel", "compensate"):
        check("leave the step out" in verb_fixture.post(saga, verb, step="it")["error"], verb)
    check("what did the check show" in gateway.cli_error("saga", "resolve", saga, "it", code=2), "resolve without a finding")
    check("unknown verb" in verb_fixture.post(saga, "bless")["error"], "an unknown verb")
    check("its steps: it" in gateway.cli_error("saga", "retry", saga, "nothere", code=3), "an unknown step")
    check("no saga 999" in gateway.cli_error("saga", "cancel", 999, code=3), "an unknown saga")
    equal(verb_fixture.step(saga)["state"], "attention", "nothing has moved")


def reprocessed(fixture):
    """Reprocess has its effect once, after the map is fixed."""
    verb_fixture = VerbFixture(fixture)
    gateway = verb_fixture.gateway
    saga = gateway.accepted("internal", {**donation("late"), "amount": None, "type": "donation.succeeded"})
    equal(gateway.saga(saga)["reason"], "quarantined", "no amount")
    gateway.cli_error("event", "reprocess", saga, code=1)
    verb_fixture.config["sources"]["internal"]["map"] = ". + {amount: {minor: 100, currency: \"EUR\"}}"
    gateway.reload(verb_fixture.config)
    two = [subprocess.Popen([str(ALMONER), "event", "reprocess", str(saga), "--config", str(gateway.config_path)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL) for _ in range(2)]
    said = [p.communicate(timeout=60 * SLOW) for p in two]
    equal(sorted(p.returncode for p in two), [0, 1], f"one of two has the effect: {said}")
    check(any("only an event that is quarantined" in err for _, err in said), f"the other is refused with the reason: {said}")
    gateway.wait_saga(saga, "completed")
    equal(verb_fixture.sink.count("/ok"), 1, "sent once")


if __name__ == "__main__":
    sys.exit(main([verbs_on_steps, verbs_on_sagas, verbs_that_do_not_fit, reprocessed]))
