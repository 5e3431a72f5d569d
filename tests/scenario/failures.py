#!/usr/bin/env python3
"""Targets that fail, and what operators do about it."""
import http.client
import json
import resource
import signal
import sys
import threading
import time

from harness import INTERNAL, check, donation, equal, http_target, main, route, wait_until


def one_target(fixture, sink, path="/crm", **more):
    return fixture.gateway({"sources": INTERNAL, "targets": {"crm": http_target(sink.url(path), **more)}, "routes": route("crm")})


def target_down_for_a_while(fixture):
    """Two targets work, one is down: the others do not wait for it, and it catches up with one key per step."""
    sink = fixture.sink()
    gateway = fixture.gateway({"sources": INTERNAL,
                             "targets": {"crm": http_target(sink.url("/crm")), "books": http_target(sink.url("/books"))},
                             "routes": route("crm", "books")})
    sink.set_behaviour("/crm", {"status": 503})
    sagas = [gateway.accepted("internal", donation(n, donor=f"d{n}@example.org")) for n in range(20)]
    wait_until("books has all", lambda: sink.count("/books") == 20)
    wait_until("crm was tried", lambda: sink.count("/crm") >= 20)
    equal(gateway.saga(sagas[0])["state"], "running", "waiting to retry is running")
    sink.set_behaviour("/crm")
    gateway.wait_all("completed", 20)
    stats = sink.stats("/crm")
    equal(stats["duplicates"], 0, "no success repeated")
    equal(len({e["key"] for e in sink.entries("/crm")}), 20, "one key a step")


def rejected(fixture):
    sink = fixture.sink()
    gateway = one_target(fixture, sink)
    sink.set_behaviour("/crm", {"status": 422, "body": {"error": "fund unknown"}})
    saga = gateway.wait_saga(gateway.accepted("internal", donation(1)), "attention")
    equal((saga["reason"], saga["steps"][0]["outcome"], saga["steps"][0]["attempts"]), ("rejected", "rejected", 1), "at once")
    equal(gateway.sagas("--state", "attention", "--outcome", "rejected", "--target", "crm")[0]["id"], saga["id"], "found by filters")
    equal(gateway.sagas("--state", "attention", "--outcome", "unknown"), [], "filters exclude")
    gateway.cli("saga", "skip", saga["id"], "crm", "--reason", "entered by hand")
    equal(gateway.wait_saga(saga["id"], "completed_partial")["steps"][0]["state"], "skipped", "skipped")


def resume_after_template_fix(fixture):
    """A template that drops a required field for every second event: 50 are rejected; then fix, reload, resume --all --yes."""
    sink = fixture.sink()
    body = {"mail": "{{donor.email}}", "fund": "{{fund?}}"}
    config = {"sources": INTERNAL, "routes": route("crm"),
              "targets": {"crm": http_target(sink.url("/strict"), settings={"body": body})}}
    gateway = fixture.gateway(config)
    sink.set_behaviour("/strict", {"status": 422})
    for n in range(100):
        if n == 0 or n % 2 != (n - 1) % 2:
            sink.set_behaviour("/strict", {"status": 422} if n % 2 else {"status": 200})
        gateway.accepted("internal", donation(n, donor=f"d{n}@example.org"))
        wait_until("it was tried", lambda wanted=n + 1: sink.count("/strict") >= wanted)
    wait_until("50 rejected", lambda: len(gateway.sagas("--state", "attention")) == 50)
    sink.set_behaviour("/strict")
    config["targets"]["crm"]["settings"]["body"] = {"mail": "{{donor.email}}", "fund": "general"}
    gateway.reload(config)
    check("50" in gateway.cli("saga", "resume", "--all", "--dry-run"), "the count comes first")
    gateway.cli_error("saga", "resume", "--all", code=1)  # not on a terminal: --yes is needed
    gateway.cli("saga", "resume", "--all", "--yes", "--reason", "template fixed")
    gateway.wait_all("completed", 100)
    equal(gateway.cli("saga", "resume", "--all", "--yes").count("0 sagas match"), 1, "nothing matched is fine")


def retry_after(fixture):
    """429 with Retry-After: not before, and no attempt is spent."""
    sink = fixture.sink()
    gateway = one_target(fixture, sink, retry={"first": "10ms", "cap": "5s", "attempts": 2})
    sink.set_behaviour("/crm", {"status": 429, "headers": {"Retry-After": "1"}, "times": 3})
    began = time.monotonic()
    gateway.wait_saga(gateway.accepted("internal", donation(1)), "completed")
    check(time.monotonic() - began >= 3, "waited three times a second")
    equal(sink.count("/crm"), 4, "sent four times")


def breaker(fixture):
    """Closed, open, half-open, closed; while it is open nothing is sent."""
    sink = fixture.sink()
    gateway = one_target(fixture, sink, breaker={"consecutive": 3, "open": "700ms", "open_cap": "1s", "probes": 1},
                         retry={"first": "10ms", "cap": "50ms"})
    sink.set_behaviour("/crm", {"status": 500})
    for n in range(10):
        gateway.accepted("internal", donation(n, donor=f"d{n}@example.org"))
    wait_until("open", lambda: gateway.target("crm")["breaker"] == "open")
    wait_until("the table says why", lambda: "unknown: 500" in gateway.cli("target", "list"))
    wait_until("so does the saga", lambda: " fails (breaker " in gateway.cli("saga", "show", 1))
    wait_until("a probe was sent and refused", lambda: "half" in json.dumps(gateway.rows("log", "export")))
    sink.set_behaviour("/crm")
    gateway.wait_all("completed", 10)
    wait_until("closed", lambda: gateway.target("crm")["breaker"] == "closed")
    log = [r.get("change", "") for r in gateway.rows("log", "export") if r["record"] == "target"]
    check(any("open" in t for t in log) and any("closed" in t for t in log), f"transitions are in the log: {log}")


def one_donor_one_lane(fixture):
    """Events of one donor reach the target one at a time, in the order of acceptance, whatever fails meanwhile."""
    sink = fixture.sink()
    gateway = one_target(fixture, sink, retry={"first": "20ms", "cap": "50ms"}, breaker={"consecutive": 1000, "minimum": 1000, "window": 1000})
    sink.set_behaviour("/crm", {"status": 503, "times": 3}, {"status": 200, "delay_ms": 5})
    for n in range(30):
        gateway.accepted("internal", donation(n, donor=f"donor{n % 2}@example.org"))
    gateway.wait_all("completed", 30)
    for donor in range(2):
        seen = [json.loads(e["body"])["id"] for e in sink.entries("/crm")
                if e["status"] == 200 and json.loads(e["body"])["donor"]["email"].startswith(f"donor{donor}")]
        equal(seen, [f"ev-{n}" for n in range(30) if n % 2 == donor], f"order of donor {donor}")


def after_with_results(fixture):
    sink = fixture.sink()
    gateway = fixture.gateway({
        "sources": INTERNAL,
        "targets": {"books": http_target(sink.url("/books"), settings={"id": ".id"}),
                    "crm": http_target(sink.url("/crm"), settings={"body": {"booking": "{{steps.books.id}}", "cents": "{{amount.minor}}"}})},
        "routes": route("books", {"target": "crm", "after": ["books"]},
                        {"target": "crm", "name": "never", "after": ["books"], "when": ".amount.minor > 1000000"})})
    saga = gateway.wait_saga(gateway.accepted("internal", donation(1)), "completed")
    sent = json.loads(sink.entries("/crm")[0]["body"])
    equal(sent, {"booking": saga["steps"][0]["result"]["id"], "cents": 2500}, "result of the earlier step, typed")
    equal((saga["steps"][2]["state"], saga["steps"][2]["reason"]), ("skipped", "when"), "condition said no")
    equal(sink.count("/crm"), 1, "sent once")


def unsafe_is_sent_once(fixture):
    """A receiver that reads the body and closes: exactly one send, and a person decides."""
    sink = fixture.sink()
    gateway = one_target(fixture, sink, repeat="unsafe")
    gateway.wait_saga(gateway.accepted("internal", donation(0)), "completed")  # a connection that could be reused
    sink.set_behaviour("/crm", {"mode": "close_after_body"})
    saga = gateway.wait_saga(gateway.accepted("internal", donation(1)), "attention")
    equal((saga["reason"], sink.count("/crm")), ("in_doubt", 2), "in doubt after one send")
    gateway.cli("saga", "resume", saga["id"])
    equal(gateway.saga(saga["id"])["reason"], "in_doubt", "doubt is left standing")
    sink.set_behaviour("/crm")
    gateway.cli("saga", "resolve", saga["id"], "crm", "--done", "--id", "by-hand-7", "--reason", "found it there")
    saga = gateway.wait_saga(saga["id"], "completed")
    equal((saga["steps"][0]["result"]["id"], sink.count("/crm")), ("by-hand-7", 2), "settled without a send")
    sink.set_behaviour("/crm", {"mode": "close_after_body", "times": 1})
    again = gateway.wait_saga(gateway.accepted("internal", donation(2)), "attention")
    gateway.cli("saga", "resume", "--all", "--yes", "--redo-in-doubt", "--reason", "they have nothing")
    gateway.wait_saga(again["id"], "completed")
    keys = [e["key"] for e in sink.entries("/crm")][-2:]
    check(keys[0] != keys[1], "a redo is a new generation with a new key")


def cancelled_saga_frees_its_lane(fixture):
    """Doubt that a cancelled saga leaves behind does not hold its lane, even where attention does."""
    sink = fixture.sink()
    gateway = one_target(fixture, sink, repeat="unsafe", order={"on_attention": "hold"})
    sink.set_behaviour("/crm", {"mode": "close_after_body", "times": 1})
    first = gateway.accepted("internal", donation(1))
    gateway.wait_saga(first, "attention")
    second = gateway.accepted("internal", donation(2))
    equal(gateway.saga(second)["steps"][0]["why"], "lane", "behind the one that holds")
    gateway.cli("saga", "cancel", first, "--reason", "given up")
    gateway.wait_saga(second, "completed")


def mail_after_354(fixture):
    """Silence after the message went out: in doubt, never sent again."""
    sink = fixture.sink()
    (fixture.folder / "t.txt").write_text("Thank you\n")
    gateway = fixture.gateway({"sources": INTERNAL, "routes": route("thanks"), "targets": {"thanks": {
        "connector": "email", "limits": {"timeout": "1s"},
        "settings": {"host": "127.0.0.1", "port": sink.smtp, "tls": "none", "from": "a@charity.example", "subject": "Hi", "text": "../t.txt"}}}})
    sink.call("POST", "/smtp", {"faults": [{"at": "dot", "mode": "silence"}]})
    saga = gateway.wait_saga(gateway.accepted("internal", donation(1)), "attention")
    equal(saga["reason"], "in_doubt", "may have been taken")


def credentials(fixture):
    """401 holds the target and uses up no attempt; `target resume` ends the hold."""
    sink = fixture.sink()
    gateway = one_target(fixture, sink)
    sink.set_behaviour("/crm", {"status": 401})
    saga = gateway.accepted("internal", donation(1))
    wait_until("held", lambda: gateway.target("crm")["state"] == "held")
    check("credential" in gateway.target("crm")["reason"], "reason")
    sink.set_behaviour("/crm")
    out = gateway.cli("saga", "resume", saga)
    check("target resume crm" in out, f"says what to do: {out}")
    equal(gateway.target("crm")["state"], "held", "resuming a saga does not release its target")
    gateway.cli("target", "resume", "crm", "--reason", "token renewed")
    gateway.wait_saga(saga, "completed")


def paused(fixture):
    sink = fixture.sink()
    gateway = one_target(fixture, sink)
    gateway.cli("target", "pause", "crm")
    saga = gateway.accepted("internal", donation(1))
    other = gateway.accepted("internal", donation(2, donor="b@example.org"))
    gateway.cli("saga", "pause", other)
    equal(gateway.saga(other)["state"], "paused", "paused")
    equal((gateway.target("crm")["state"], gateway.target("crm")["backlog"]), ("paused", 2), "both wait, whatever they wait for")
    gateway.stop()
    gateway.start()
    equal(gateway.target("crm")["state"], "paused", "a pause survives a restart")
    gateway.cli("target", "resume", "crm")
    gateway.wait_saga(saga, "completed")
    equal(gateway.saga(other)["state"], "paused", "the saga's own pause stays")
    gateway.cli("saga", "resume", other)
    gateway.wait_saga(other, "completed")
    third = gateway.accepted("internal", donation(3))
    gateway.wait_saga(third, "completed")
    gateway.cli_error("saga", "retry", third, "crm", code=1)
    gateway.cli_error("saga", "show", 999, code=3)
    gateway.cli_error("saga", "frobnicate", 1, code=2)


def stop_under_load(fixture):
    """SIGTERM while events pour in: nothing acknowledged is lost, nothing is sent twice, no false doubt."""
    sink = fixture.sink()
    gateway = one_target(fixture, sink)
    sink.set_behaviour("/crm", {"status": 200, "delay_ms": 20})
    acknowledged, stopping = [], threading.Event()

    def sender(lane):
        n = 0
        while not stopping.is_set():
            number = lane * 100000 + n
            n += 1
            try:
                status, reply = gateway.post("internal", donation(number, donor=f"d{number}@example.org"))
            except OSError:
                return
            if status == 202:
                acknowledged.append(reply["saga"])
    threads = [threading.Thread(target=sender, args=(lane,)) for lane in range(8)]
    for thread in threads:
        thread.start()
    wait_until("some were accepted", lambda: len(acknowledged) > 200)
    gateway.stop()
    stopping.set()
    for thread in threads:
        thread.join()
    gateway.start()
    gateway.wait_all("completed", len(acknowledged))
    known = {s["id"] for s in gateway.sagas()}
    check(set(acknowledged) <= known, "every acknowledged saga is there")
    equal(sink.stats("/crm")["duplicates"], 0, "no success repeated")
    gateway.cli("verify")


def stop_with_followers(fixture):
    """SIGTERM while a client polls the status: the daemon ends cleanly each time."""
    gateway = fixture.gateway({"sources": INTERNAL, "targets": {}, "routes": []})
    for _ in range(5):
        over = threading.Event()

        def watch():
            while not over.is_set():
                try:
                    gateway.admin("GET", "/v1/status")
                except Exception:  # pylint: disable=broad-except
                    pass  # the daemon is going: that is the point
        watchers = [threading.Thread(target=watch) for _ in range(4)]
        for watcher in watchers:
            watcher.start()
        gateway.accepted("internal", donation(1))
        gateway.stop()
        over.set()
        for watcher in watchers:
            watcher.join()
        gateway.start()


def reload_good_and_bad(fixture):
    sink = fixture.sink()
    config = {"sources": INTERNAL, "targets": {"crm": http_target(sink.url("/old"))}, "routes": route("crm")}
    gateway = fixture.gateway(config)
    gateway.wait_saga(gateway.accepted("internal", donation(1)), "completed")
    broken = json.loads(json.dumps(config))
    broken["targets"]["crm"]["settings"]["urll"] = "x"
    gateway.reload(broken, taken=False)
    gateway.wait_saga(gateway.accepted("internal", donation(2)), "completed")
    equal(sink.count("/old"), 2, "the old configuration stays")
    config["targets"]["crm"]["settings"]["url"] = sink.url("/new")
    gateway.reload(config)
    gateway.wait_saga(gateway.accepted("internal", donation(3)), "completed")
    equal((sink.count("/old"), sink.count("/new")), (2, 1), "the new one is taken")
    sink.set_behaviour("/new", {"status": 503})
    gateway.accepted("internal", donation(4))
    gateway.reload({"sources": INTERNAL, "targets": {}, "routes": []}, taken=False)
    check("1 open step" in gateway.log(), "refused with the count")
    (gateway.folder / "almoner.json").write_text('{"listen": {"intake": "127.0.0.1:0"}, "targts": {}}')
    check('targets' in gateway.cli_error("check", code=1), "check names the nearest key")


def store_that_cannot_be_written(fixture):
    """A commit fails: nothing after it is acknowledged, the daemon says why and ends, and everything acknowledged is there."""
    sink = fixture.sink()
    gateway = fixture.gateway({"sources": INTERNAL, "targets": {"crm": http_target(sink.url("/crm"))}, "routes": route("crm")}, start=False)

    def small_files_only():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    gateway.start(before_exec=small_files_only)
    acknowledged = []
    for n in range(5000):
        try:
            status, reply = gateway.post("internal", donation(n, donor=f"d{n}@example.org"))
        except (OSError, http.client.HTTPException):
            break
        if status != 202:
            equal(status, 503, "refused, not acknowledged")
            break
        acknowledged.append(reply["saga"])
    equal(gateway.process.wait(timeout=60), 1, "it ends by itself")
    check("event=store_failed" in gateway.log(), gateway.log()[-2000:])
    gateway.start()
    check(set(acknowledged) <= {s["id"] for s in gateway.sagas()}, "everything acknowledged is there")
    gateway.wait_all("completed", len(acknowledged))
    gateway.cli("verify")


def two_daemons(fixture):
    gateway = fixture.gateway({"sources": INTERNAL, "targets": {}, "routes": []})
    second = type(gateway)(gateway.folder, gateway.config)
    second.log_path = gateway.folder / "second.log"
    second.start(wait=False)
    equal(second.process.wait(timeout=20), 1, "the second refuses")
    check(str(gateway.process.pid) in second.log(), f"and names the holder: {second.log()}")


if __name__ == "__main__":
    sys.exit(main([target_down_for_a_while, rejected, resume_after_template_fix, retry_after, breaker, one_donor_one_lane,
                   after_with_results, unsafe_is_sent_once, cancelled_saga_frees_its_lane, mail_after_354, credentials, paused, stop_under_load, stop_with_followers, reload_good_and_bad,
                   store_that_cannot_be_written, two_daemons]))
