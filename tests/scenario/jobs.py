#!/usr/bin/env python3
"""Verbs on everything that matches: a job of the daemon, which outlives whoever asked, and the process."""
import json
import re
import signal
import subprocess
import sys
import threading
import time

from harness import ALMONER, INTERNAL, SLOW, check, donation, equal, http_target, main, route, wait_until
from operating import send_events


def start_cli(gateway, *words):
    # pylint: disable=consider-using-with
    return subprocess.Popen([str(ALMONER), *map(str, words), "--config", str(gateway.config_path)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, cwd=gateway.folder)


def waiting(fixture, count, **more):
    """A gateway with `count` sagas that wait for a paused target: verbs on them are quick, and nothing else moves them."""
    sink = fixture.sink()
    gateway = fixture.gateway({"sources": INTERNAL, "targets": {"crm": http_target(sink.url("/crm"), **more)}, "routes": route("crm")})
    gateway.cli("target", "pause", "crm")
    return sink, gateway, send_events(gateway, count)


def job(gateway, number):
    return gateway.rows("job", "show", number)[0]


def begin(gateway, *words):
    """The number of a job that is left to itself."""
    return int(re.search(r"job (\d+)", gateway.cli("saga", *words, "--yes", "--no-wait")).group(1))


def verbs_of(gateway, verb="pause"):
    """Which sagas this verb was carried out on, as often as it was, by the log."""
    return [r["id"] for r in gateway.rows("log", "export") if r["record"] == "verb" and r.get("verb") == verb]


def listed_and_left_running(fixture):
    """--no-wait gives its number at once; list and show tell how it goes; records say who, what and why."""
    _, gateway, ids = waiting(fixture, 40)
    out = gateway.cli("saga", "pause", "--all", "--yes", "--no-wait", "--rate", "40/s", "--reason", "month's end", "--state", "running")
    check(out.index("40 sagas match") < out.index("job 1"), f"the count first, then its number: {out}")
    row = job(gateway, 1)
    equal((row["verb"], row["filter"], row["rate"], row["reason"], row["expected"]), ("pause", "state=running", "40/s", "month's end", 40),
          "what was asked for")
    check(row["state"] == "running" and row["moved"] < 40, f"the rate holds it back: {row}")
    check("1 running" in gateway.cli("status"), "status tells")
    wait_until("it is done", lambda: job(gateway, 1)["state"] == "done")
    row = job(gateway, 1)
    equal((row["matched"], row["moved"], row["refused"], row["upto"]), (40, 40, 0, max(ids)), "what it did")
    check(row["finished_at"] and row["actor"].startswith("uid "), f"by whom, until when: {row}")
    equal([j["id"] for j in gateway.rows("job", "list")], [1], "the list")
    check("pause" in gateway.cli("job", "list") and "done" in gateway.cli("job", "list"), "the list for people")
    check("month's end" in gateway.cli("job", "show", 1), "one for people")
    equal(sorted(verbs_of(gateway)), sorted(ids), "each once")
    records = [r for r in gateway.rows("log", "export") if r["record"] == "job"]
    equal([(r["to"], r["verb"], r["subject"], r["id"]) for r in records], [("running", "pause", "daemon", 1), ("done", "pause", "daemon", 1)],
          "records of the job")
    equal((records[0]["note"], records[0]["filter"]), ("month's end", "state=running"), "why, and which")
    verb = [r for r in gateway.saga(ids[0])["log"] if r["record"] == "verb"][0]
    check(verb["note"] == "month's end" and verb["actor"].startswith("uid "), f"in each saga: {verb}")
    equal(gateway.rows("saga", "pause", "--all", "--dry-run")[0]["matched"], 0, "counting makes no job")
    equal(len(gateway.rows("job", "list")), 1, "counting makes no job")
    gateway.cli_error("job", "show", 2, code=3)
    gateway.cli_error("job", "show", "two", code=2)
    gateway.cli_error("job", "cancel", 2, code=3)
    check("done" in gateway.cli_error("job", "cancel", 1, code=1), "says that it has ended")
    for more in (["--yes"], ["--dry-run"], ["--yes", "--source", "nobody"]):  # also where nothing matches
        check("rate" in gateway.cli_error("saga", "resume", "--all", *more, "--rate", "fast", code=2), f"what a rate looks like: {more}")


def survives_kill(fixture):
    """kill -9 repeatedly in the middle of a job: the job continues by itself, and neither skips nor repeats a saga."""
    _, gateway, ids = waiting(fixture, 240)
    number = begin(gateway, "pause", "--all", "--rate", "300/s")
    deaths = 0
    while job(gateway, number)["state"] == "running" and deaths < 5:
        reached = job(gateway, number)["moved"]
        wait_until("it moves on", lambda: job(gateway, number)["moved"] > reached or job(gateway, number)["state"] != "running")  # pylint: disable=cell-var-from-loop
        gateway.kill()
        deaths += 1
        offline = job(gateway, number)  # from the store alone
        check(offline["moved"] >= reached, "what was done is kept")
        gateway.start()
    check(deaths >= 2, f"it was killed under way ({deaths})")
    wait_until("it is done", lambda: job(gateway, number)["state"] == "done")
    row = job(gateway, number)
    equal((row["matched"], row["moved"], row["refused"]), (240, 240, 0), "figures")
    equal(sorted(verbs_of(gateway)), sorted(ids), "each saga once")
    equal(len([r for r in gateway.rows("log", "export") if r["record"] == "job"]), 2, "begun once, done once")
    gateway.cli("verify")


def waits_through_a_restart(fixture):
    """The command line waits for its job through the death of the daemon, and gives the summary in the end."""
    _, gateway, _ = waiting(fixture, 120)
    cli = start_cli(gateway, "saga", "pause", "--all", "--yes", "--rate", "60/s")
    wait_until("it has begun", lambda: (gateway.rows("job", "list") or [{"moved": 0}])[0]["moved"] > 0)
    gateway.kill()
    gateway.start()
    out, err = cli.communicate(timeout=60 * SLOW)
    equal(cli.returncode, 0, f"exit code: {out} {err}")
    check("120 of 120 sagas changed" in out, out)
    check(err.count("continues when it runs again") <= 1, f"says so once: {err}")
    cli = start_cli(gateway, "saga", "resume", "--all", "--yes", "--rate", "60/s", "--json")
    wait_until("it has begun", lambda: gateway.rows("job", "list")[0]["moved"] > 0 and gateway.rows("job", "list")[0]["verb"] == "resume")
    gateway.stop()
    gateway.start()
    out, err = cli.communicate(timeout=60 * SLOW)
    equal((cli.returncode, json.loads(out.splitlines()[-1])["moved"]), (0, 120), f"after an orderly stop: {err}")


def interrupted(fixture):
    """Ctrl-C leaves the job alone and says how to see and end it."""
    _, gateway, ids = waiting(fixture, 60)
    cli = start_cli(gateway, "saga", "pause", "--all", "--yes", "--rate", "50/s")
    wait_until("it has begun", lambda: (gateway.rows("job", "list") or [{"moved": 0}])[0]["moved"] > 0)
    cli.send_signal(signal.SIGINT)
    _, err = cli.communicate(timeout=30 * SLOW)
    equal(cli.returncode, 130, f"exit code: {err}")
    check("job 1 continues" in err and "job show 1" in err and "job cancel 1" in err, err)
    wait_until("it is done", lambda: job(gateway, 1)["state"] == "done")
    equal(sorted(verbs_of(gateway)), sorted(ids), "each once")


def cancelled(fixture):
    """Ended early: what it has moved stays moved, the rest is as it was, and who waited hears of it."""
    _, gateway, ids = waiting(fixture, 60)
    cli = start_cli(gateway, "saga", "pause", "--all", "--yes", "--rate", "20/s")
    wait_until("it has begun", lambda: (gateway.rows("job", "list") or [{"moved": 0}])[0]["moved"] > 0)
    out = gateway.cli("job", "cancel", 1, "--reason", "a mistake")
    check("cancelled" in out, out)
    out, err = cli.communicate(timeout=30 * SLOW)
    equal(cli.returncode, 1, "who waited fails")
    check("was cancelled" in err, err)
    row = job(gateway, 1)
    equal((row["state"], row["moved"] < 60), ("cancelled", True), "the job")
    check(f"{row['moved']} of {row['matched']} sagas changed" in out, out)
    equal(len(gateway.sagas("--state", "paused")), row["moved"], "what it moved")
    equal(sorted(verbs_of(gateway)), sorted(ids)[-row["moved"]:], "from the newest down")
    gateway.kill()
    gateway.start()
    equal(job(gateway, 1)["state"], "cancelled", "for good")
    equal(len(gateway.sagas("--state", "paused")), row["moved"], "also after a restart")
    check("cancelled" in gateway.cli_error("job", "cancel", 1, code=1), "twice is refused with a word")


def repeated_request(fixture):
    """Two operators request the same at once: there is one job, both get its number, and each saga is moved once."""
    _, gateway, ids = waiting(fixture, 80)
    two = [start_cli(gateway, "saga", "pause", "--all", "--yes", "--rate", "80/s") for _ in range(2)]
    said = [cli.communicate(timeout=60 * SLOW) for cli in two]
    equal([cli.returncode for cli in two], [0, 0], f"exit codes: {said}")
    equal(sum("already runs, as job 1" in err for _, err in said), 1, f"one of them gets the number of the job: {said}")
    check(all("80 of 80 sagas changed" in out for out, _ in said), f"both hear the end: {said}")
    equal((len(gateway.rows("job", "list")), sorted(verbs_of(gateway))), (1, sorted(ids)), "one job, each saga once")
    # Two different ones at once over the same sagas: each saga's verb has one effect.
    first = begin(gateway, "resume", "--all", "--rate", "200/s")
    second = begin(gateway, "resume", "--all", "--state", "paused", "--rate", "200/s")
    for number in (first, second):
        wait_until("done", lambda: job(gateway, number)["state"] == "done")  # pylint: disable=cell-var-from-loop
    equal(sorted(verbs_of(gateway, "resume")), sorted(ids), "resumed once")
    # They are bounded: sixteen at once, one more is refused with what to do.
    for n in range(16):
        begin(gateway, "pause", "--all", "--newer", f"{n + 1}h", "--rate", "1/h")
    check("job list" in gateway.cli_error("saga", "pause", "--all", "--newer", "90m", "--yes", "--rate", "1/h", code=1), "one too many")
    gateway.cli("job", "cancel", gateway.rows("job", "list", "--limit", 1)[0]["id"])
    begin(gateway, "pause", "--all", "--newer", "90m", "--rate", "1/h")


def snapshot_only(fixture):
    """Sagas accepted after it was made are not touched, however slow it is."""
    _, gateway, ids = waiting(fixture, 30)
    number = begin(gateway, "pause", "--all", "--rate", "30/s")
    late = send_events(gateway, 10, first=1000)
    wait_until("done", lambda: job(gateway, number)["state"] == "done")
    equal(sorted(verbs_of(gateway)), sorted(ids), "those that were there")
    equal({gateway.saga(n)["paused"] for n in late}, {False}, "those that came later")


def rate_is_kept(fixture):
    """A rate bounds how many are moved in any second."""
    _, gateway, _ = waiting(fixture, 60)
    began = time.monotonic()
    gateway.cli("saga", "pause", "--all", "--yes", "--rate", "30/s")
    took = time.monotonic() - began
    check(took > 1.5, f"60 at 30/s took {took:.1f} s")
    at = [r["at"] for r in gateway.rows("log", "export") if r["record"] == "verb"]
    equal(len(at), 60, "all were moved")
    seconds = [float(t[17:23]) + 60 * int(t[14:16]) for t in at]
    for first in seconds:
        within = sum(first <= s < first + 1 for s in seconds)
        check(within <= 36, f"{within} within a second")


def below_live_priority(fixture):
    """A large resume into a slow target: what is live goes by. Another target's events are as quick as before, and this
    target's own wait for a bounded number of resumed ones, not for all of them."""
    sink = fixture.sink()
    gateway = fixture.gateway({
        "sources": {**INTERNAL, "other": {"verify": "none", "map": "."}},
        "targets": {"crm": http_target(sink.url("/crm"), limits={"in_flight": 4}), "books": http_target(sink.url("/books"))},
        "routes": [{"name": "other", "match": {"source": "other", "type": "donation.*"}, "steps": [{"target": "books"}]},
                   {"name": "rest", "match": {"source": "*", "type": "donation.*"}, "steps": [{"target": "crm"}]}]})
    count = 600
    sink.set_behaviour("/crm", {"status": 422})
    for n in range(0, count, 15):  # twenty in a row would hold the target
        send_events(gateway, 15, first=n)
        gateway.wait_all("attention", n + 15)
        sink.set_behaviour("/crm")
        gateway.wait_saga(gateway.accepted("internal", donation(f"well-{n}", donor=f"w{n}@example.org")), "completed")
        sink.set_behaviour("/crm", {"status": 422})
    sink.set_behaviour("/crm", {"status": 200, "delay_ms": 20})  # 200 a second at best
    number = begin(gateway, "resume", "--all", "--state", "attention")
    wait_until("it has begun", lambda: job(gateway, number)["moved"] >= 64)
    quick, behind = [], []
    for n in range(10):
        began = time.monotonic()
        gateway.wait_saga(gateway.accepted("other", donation(f"books-{n}", donor=f"b{n}@example.org")), "completed")
        quick.append(time.monotonic() - began)
    row = job(gateway, number)
    check(row["state"] == "running", f"still under way: {row}")
    for n in range(3):
        saga = gateway.accepted("internal", donation(f"crm-{n}", donor=f"c{n}@example.org"))
        before = sink.count("/crm")
        gateway.wait_saga(saga, "completed", 30)
        behind.append(sink.count("/crm") - before)
    check(max(behind) < 200, f"a live event waits for a bounded number of resumed ones: {behind}")
    check(sorted(quick)[5] < 1.0 * SLOW, f"the other target: {quick}")
    wait_until("done", lambda: job(gateway, number)["state"] == "done", 60)
    gateway.wait_all("completed", count, 60)


def reprocessed(fixture):
    """A wrong map has quarantined many events: after the fix all are mapped again, across a kill; those that are still wrong are reported."""
    sink = fixture.sink()
    config = {"sources": {"internal": {"verify": "none", "map": ". + {amount: .sum}"}}, "targets": {"crm": http_target(sink.url("/crm"))},
              "routes": route("crm")}
    gateway = fixture.gateway(config)
    ids = [gateway.accepted("internal", donation(n, donor=f"d{n}@example.org")) for n in range(40)]
    hopeless = gateway.accepted("internal", {"id": "nothing", "type": "donation.created"})
    equal(len(gateway.sagas("--attention", "quarantined")), 41, "nothing can be read")
    check("41 sagas match" in gateway.cli("event", "reprocess", "--all", "--dry-run"), "the count")
    gateway.cli_error("event", "reprocess", "--all", code=1)
    config["sources"]["internal"]["map"] = "."
    gateway.reload(config)
    cli = start_cli(gateway, "event", "reprocess", "--all", "--source", "internal", "--yes", "--rate", "40/s", "--reason", "map fixed")
    wait_until("it has begun", lambda: (gateway.rows("job", "list") or [{"moved": 0}])[0]["moved"] > 0)
    gateway.kill()
    gateway.start()
    out, err = cli.communicate(timeout=60 * SLOW)
    equal(cli.returncode, 1, f"one is refused: {out} {err}")
    check("1 refused, because the events still cannot be mapped" in out, out)
    gateway.wait_all("completed", 40)
    # What was under way at the kill is sent again under its key, which is how the target knows.
    equal(sink.count("/crm") - sink.count("/crm", "repeats"), 40, "each is sent once")
    equal([s["id"] for s in gateway.sagas("--attention", "quarantined")], [hopeless], "what is left")
    records = [r["id"] for r in gateway.rows("log", "export") if r["record"] == "reprocessed"]
    equal(sorted(records), sorted(ids), "each is mapped once")
    check("0 sagas match" in gateway.cli("event", "reprocess", "--all", "--newer", "1s", "--donor", "nobody", "--yes"), "none")
    equal(gateway.rows("event", "reprocess", "--all", "--dry-run")[0]["passed_over"], 0, "others are no matter of it")


def many_at_once(fixture):
    """Verbs on one saga from many at once: exactly one has an effect, the others are refused with the reason."""
    _, gateway, ids = waiting(fixture, 6)
    for saga, verb, step, word in ((ids[0], "pause", None, "nothing to change"), (ids[1], "cancel", None, "nothing to change"),
                                   (ids[2], "skip", "crm", "nothing to change"), (ids[3], "compensate", None, "nothing to change")):
        words = ("saga", verb, saga) + ((step,) if step else ())
        clis = [start_cli(gateway, *words, "--reason", f"operator {n}") for n in range(2)]
        answers = []

        def post(path=f"/v1/sagas/{saga}/{verb}", body=None, to=answers):
            to.append(gateway.admin("POST", path, body))
        threads = [threading.Thread(target=post, kwargs={"body": {"reason": f"http {n}", **({"step": step} if step else {})}}) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        said = [cli.communicate(timeout=30 * SLOW)[0] for cli in clis]
        effects = sum(a.get("changed", 0) > 0 for a in answers) + sum(": done;" in out for out in said)
        already = sum(a.get("changed") == 0 for a in answers) + sum(word in out for out in said)
        equal((effects, already), (1, 5), f"{verb}: {answers} {said}")
        equal(verbs_of(gateway, verb).count(saga), 1, f"one record of {verb}")
    # Against each other: pause and cancel and skip at once, whatever the order, the end is sound and one record each.
    races = [start_cli(gateway, "saga", verb, ids[4], *more) for verb, more in (("pause", ()), ("cancel", ()), ("skip", ("crm",)), ("retry", ("crm",)))]
    said = [cli.communicate(timeout=30 * SLOW) for cli in races]
    for cli, (out, err) in zip(races, said):
        check(cli.returncode in (0, 1) and (cli.returncode == 0 or ": " in err), f"done or refused with a word: {out} {err}")
    check(gateway.saga(ids[4])["state"] in ("cancelled", "completed_partial"), gateway.saga(ids[4])["state"])
    gateway.cli("target", "resume", "crm")
    wait_until("the last is sent", lambda: gateway.saga(ids[5])["state"] == "completed")
    gateway.cli("verify")


if __name__ == "__main__":
    sys.exit(main([listed_and_left_running, survives_kill, waits_through_a_restart, interrupted, cancelled, repeated_request, snapshot_only,
                   rate_is_kept, below_live_priority, reprocessed, many_at_once]))
