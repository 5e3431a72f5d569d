#!/usr/bin/env python3
"""kill -9 under load, again and again. The checker reads only three histories: the answers that senders got, what receivers saw
(the sink's own log), and the exported saga log. Cycles: ALMONER_KILLS (20)."""
import collections
import json
import os
import random
import signal
import sys
import threading

from harness import INTERNAL, check, donation, equal, http_target, main, wait_until

CYCLES = int(os.environ.get("ALMONER_KILLS", "20"))


class AcknowledgedSenders:
    """Closed-loop clients that remember their answers: acknowledged, or unknown."""

    def __init__(self, gateway, lanes):
        self.gateway, self.acknowledged, self.unknown = gateway, {}, set()
        self.stopping, self.lock, self.next = threading.Event(), threading.Lock(), 0
        self.threads = [threading.Thread(target=self.run) for _ in range(lanes)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while not self.stopping.is_set():
            with self.lock:
                number = self.next
                self.next += 1
            try:
                status, reply = self.gateway.post("internal", donation(number, donor=f"d{number % 50}@example.org"))
            except (OSError, ValueError, EOFError):
                self.unknown.add(f"ev-{number}")
                self.stopping.wait(0.01)
                continue
            except Exception:  # http.client's many ways to say "it broke off"
                self.unknown.add(f"ev-{number}")
                self.stopping.wait(0.01)
                continue
            if status == 202:
                self.acknowledged[f"ev-{number}"] = reply["saga"]

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


def check_histories(acknowledged, unknown, sink_lines, log, sagas):
    """Raises on the first broken promise; the engine's own tables are looked at only for the sender's ids."""
    by_event = collections.Counter(s["event_id"] for s in sagas)
    for event, saga in acknowledged.items():
        equal(by_event[event], 1, f"saga of the acknowledged {event} (acknowledged as saga {saga})")
    for event in unknown:
        check(by_event[event] <= 1, f"{event}, of unknown fate, became two sagas")
    intents = {(r["id"], r["step"], r["generation"], r["attempt"]) for r in log if r["record"] == "intent"}
    for r in log:
        if r["record"] == "outcome":
            check((r["id"], r["step"], r["generation"], r["attempt"]) in intents, f"outcome without intent: {r}")
    numbers = [r["seq"] for r in log]
    equal(sorted(set(numbers)), list(range(1, max(numbers) + 1)), "log numbers are gapless")
    seen = collections.defaultdict(list)
    for line in sink_lines:
        seen[line["key"]].append(line)
    keys = {}
    for saga in sagas:
        for step in saga["steps"]:
            keys[step["key"]] = (saga, step)
    for key, lines in seen.items():
        check(key in keys, f"a request with a key that no step has: {lines[0]}")
        _, step = keys[key]
        if step["target"] == "once":
            equal(len(lines), 1, f"sends of an unsafe step: {lines}")
    succeeded = {(r["id"], r["step"]): r for r in log if r["record"] == "outcome" and r["outcome"] == "ok"}
    later = [r for r in log if r["record"] == "intent" and (r["id"], r["step"]) in succeeded
             and r["seq"] > succeeded[(r["id"], r["step"])]["seq"]]
    equal(later, [], "an intent after a recorded success")


def kill_minus_nine(fixture):
    history = fixture.folder / "sink.jsonl"
    sink = fixture.sink(log=history)
    gateway = fixture.gateway({
        "sources": INTERNAL,
        "targets": {"crm": http_target(sink.url("/crm")), "books": http_target(sink.url("/books"), repeat="idempotent"),
                    "once": http_target(sink.url("/once"), repeat="unsafe")},
        "routes": [{"name": "r", "match": {"source": "*"}, "steps": [{"target": "crm"}, {"target": "books"},
                                                                    {"target": "once", "after": ["books"]}]}]})
    dice = random.Random(7)
    senders = AcknowledgedSenders(gateway, 12)
    for cycle in range(CYCLES):
        before = len(senders.acknowledged)
        wait_until(f"load before kill {cycle}", lambda floor=before + dice.randint(5, 150): len(senders.acknowledged) >= floor, 60)
        gateway.kill()
        gateway.start()
    senders.stop()
    wait_until("everything settles", lambda: gateway.admin("GET", "/v1/status")["sagas"]["running"] == 0, 120)
    sagas = gateway.sagas()
    log = gateway.rows("log", "export")
    lines = [json.loads(line) for line in history.read_text().splitlines() if '"/_control' not in line]
    check_histories(senders.acknowledged, senders.unknown, lines, log, sagas)
    status = gateway.admin("GET", "/v1/status")
    equal(status["accepted"], sum(status["sagas"].values()) + status["related"], "conservation")
    doubt = [s for s in sagas if s["state"] == "attention"]
    for saga in doubt:
        equal({s["reason"] for s in saga["steps"] if s["state"] == "attention"}, {"in_doubt"}, f"only the unsafe may be in doubt: {saga}")
        check(all(s["target"] == "once" for s in saga["steps"] if s["state"] == "attention"), "and only they")
    gateway.cli("verify")
    gateway.stop(signal.SIGTERM)
    print(f"{CYCLES} kills, {len(senders.acknowledged)} acknowledged, {len(senders.unknown)} of unknown fate, {len(lines)} requests seen, "
          f"{len(doubt)} in doubt")


if __name__ == "__main__":
    sys.exit(main([kill_minus_nine]))
