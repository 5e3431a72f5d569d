#!/usr/bin/env python3
"""A long backlog behind a dead target: it costs neither memory nor start-up, others do not notice, and it is drained in order.

Steps: ALMONER_BACKLOG (200000); the figures of a million and of ten: tests/bench/backlog.py."""
import collections
import json
import os
import pathlib
import subprocess
import sys
import time

from harness import BUILD, INTERNAL, SLOW, check, donation, equal, http_target, main, route, wait_until

STEPS = int(os.environ.get("ALMONER_BACKLOG", "200000"))
LIVE = 200
RATE = 1000


def fill(folder, steps, donors):
    folder.mkdir()
    subprocess.run([str(BUILD / "tests" / "support" / "almoner-fill"), "--store", str(folder / "almoner.db"), "--events", str(steps),
                    "--donors", str(donors), "--days", "2"], check=True, stdout=subprocess.DEVNULL)


def memory_mib(gateway):
    for line in pathlib.Path(f"/proc/{gateway.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmHWM")


def start_in_time(gateway):
    began = time.monotonic()
    gateway.start()
    took = time.monotonic() - began
    check(took < 2 * SLOW, f"start-up took {took:.2f} s")
    return took


def live_events(gateway, sink, first):
    """They are taken in and reach the other target as if there were no backlog; gives the slowest of the middle half."""
    before, times = sink.count("/books"), []
    for n in range(first, first + LIVE):
        began = time.monotonic()
        gateway.accepted("internal", donation(n, donor=f"live{n}@example.org"))
        times.append(time.monotonic() - began)
    wait_until("the other target has all of them", lambda: sink.count("/books") >= before + LIVE)
    middle = sorted(times)[3 * LIVE // 4]
    check(middle < 0.1 * SLOW, f"three of four are accepted within {middle * 1000:.0f} ms")


def job_shown(gateway, waiting):
    """`backlog` shows target and age, `target list` the same sum."""
    def line():
        return next(row for row in gateway.rows("backlog") if row["target"] == "crm")

    def table():
        return [text for text in gateway.cli("backlog").splitlines() if text.startswith("crm ")][0].split()
    # Now and then one of them is under way, to see whether the target is back.
    wait_until("all that wait are shown", lambda: line()["total"] == waiting)
    wait_until("in the list of targets as well", lambda: gateway.target("crm")["backlog"] == waiting)
    wait_until("as a table too", lambda: table()[1] == str(waiting))
    ages = line()["older_than"]
    share = {age: ages[age] / STEPS for age in ages}
    check(share["7d"] == 0 and 0.4 < share["1d"] < 0.6 and 0.8 < share["6h"] < 0.95 and share["1h"] > 0.95, f"by age: {ages}")


def drained_in_order(sink, tried, wanted):
    """By donor strictly, over all as far as what is in flight at once can change places; never faster than the rate."""
    entries = [e for e in sink.entries("/crm") if e["status"] == 200]
    check(len(entries) >= wanted, f"{len(entries)} arrived")
    bodies = [json.loads(e["body"]) for e in entries]
    numbers = [int(b["id"].split("-")[1]) for b in bodies if b["id"].startswith("fill-") and b["id"] not in tried]
    highest = 0
    for number in numbers:
        check(number > highest - 16, f"{number} arrived after {highest}")
        highest = max(highest, number)
    check(highest < len(numbers) + 100, f"nothing was left out: {highest} after {len(numbers)}")
    by_donor = collections.defaultdict(list)
    for body in bodies:
        by_donor[body["donor"]["email"]].append(int(body["id"].split("-")[1]))
    for donor, seen in by_donor.items():
        equal(seen, sorted(seen), f"order of {donor}")
    at = [e["at_ms"] for e in entries]
    most = max(sum(1 for later in at[i:i + 2 * RATE] if later < at[i] + 1000) for i in range(0, len(at), 50))
    check(most <= RATE * 1.25, f"{most} sends within a second, the limit is {RATE}")


def long_backlog(fixture):
    folder = fixture.folder / "store"
    fill(folder, STEPS, STEPS // 2)
    sink = fixture.sink()
    sink.set_behaviour("/crm", {"status": 503})
    config = {"sources": INTERNAL, "store": {"url": f"sqlite:{folder}/almoner.db"}, "routes": route("crm", "books"),
              "targets": {"crm": http_target(sink.url("/crm"), limits={"in_flight": 8, "rate": f"{RATE}/s"}), "books": http_target(sink.url("/books"))}}
    config["targets"]["crm"]["breaker"] = {"open": "300ms", "open_cap": "1s"}
    gateway = fixture.gateway(config, start=False)
    start_in_time(gateway)
    wait_until("the breaker is open", lambda: gateway.target("crm")["breaker"] == "open")
    live_events(gateway, sink, 0)
    job_shown(gateway, STEPS + LIVE)
    gateway.kill()
    start_in_time(gateway)  # after a crash as well
    live_events(gateway, sink, LIVE)
    tried = {json.loads(e["body"])["id"] for e in sink.entries("/crm")}
    sink.set_behaviour("/crm")
    wait_until("it drains", lambda: sink.count("/crm") > len(tried) + 500)
    live_events(gateway, sink, 2 * LIVE)
    wait_until("much of it is drained", lambda: gateway.target("crm")["succeeded"] >= 5 * RATE, 60)
    drained_in_order(sink, tried, 5 * RATE)
    if SLOW == 1:
        check(memory_mib(gateway) < 64, f"memory: {memory_mib(gateway):.0f} MiB")
    began = time.monotonic()
    gateway.stop()
    check(time.monotonic() - began < 10 * SLOW, "and it stops at once")


def small_backlog_to_its_end(fixture):
    """The same, to the last step: all of it once, one donor's events in their order."""
    folder = fixture.folder / "store"
    fill(folder, 5000, 500)
    sink = fixture.sink()
    gateway = fixture.gateway({"sources": INTERNAL, "store": {"url": f"sqlite:{folder}/almoner.db"}, "routes": route("crm"),
                             "targets": {"crm": http_target(sink.url("/crm"))}})
    gateway.wait_all("completed", 5000)
    equal((sink.count("/crm"), sink.stats("/crm")["duplicates"], gateway.target("crm")["backlog"]), (5000, 0, 0), "all of it, once")
    by_donor = collections.defaultdict(list)
    for entry in sink.entries("/crm"):
        body = json.loads(entry["body"])
        by_donor[body["donor"]["email"]].append(int(body["id"].split("-")[1]))
    for donor, seen in by_donor.items():
        equal(seen, sorted(seen), f"order of {donor}")
    gateway.cli("verify")


if __name__ == "__main__":
    sys.exit(main([long_backlog, small_backlog_to_its_end]))
