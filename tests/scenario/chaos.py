#!/usr/bin/env python3
"""Everything at once: targets of each repeat class that misbehave at random, routes with undo, lines of donors, templates that
are edited, people who pause and resume in bulk, and kill -9 in the middle of it. The checker reads what senders were told, what
the receiver saw, and the exported log. Cycles: ALMONER_CHAOS (8), dice: ALMONER_SEED (1)."""
import asyncio
import collections
import itertools
import json
import os
import random
import signal
import sys
import threading

from harness import INTERNAL, check, donation, equal, http_target, main, wait_until
from receivers import ServingPeer

CYCLES = int(os.environ.get("ALMONER_CHAOS", "8"))
SEED = int(os.environ.get("ALMONER_SEED", "1"))
Seen = collections.namedtuple("Seen", "at path key event body applied")


class Receiver(ServingPeer):
    """Takes POST, PUT and GET; draws for each request whether it takes effect and what is heard of it. Keys are recognised, but
    below /once; /ask can be asked; /picky refuses some events, always the same."""

    def __init__(self, dice):
        self.dice, self.seen, self.done, self.asked = dice, [], {}, set()
        self.calm = False
        super().__init__()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def answer(self, method, path, key, body):
        """Status (0: none), whether to take its time."""
        if method == "GET":
            return (500 if self.fails(0.1) else 200 if path.rsplit("/", 1)[1] in self.asked else 404), False
        event = json.loads(body)["id"]
        refused = path == "/picky" and random.Random(event).random() < 0.15
        busy, lost = self.fails(0.05), self.fails(0.08)
        applied = not refused and not busy and not (lost and self.fails(0.5)) and key not in self.done
        self.seen.append(Seen(len(self.seen), path, key, event, body, applied))
        if applied:
            self.done[key] = True
        if applied and path == "/ask":
            check(event not in self.asked, f"{event} twice at the one that was to be asked first")
            self.asked.add(event)
        return (422 if refused else 503 if busy else 0 if lost else 200), self.fails(0.1)

    def fails(self, share):
        return not self.calm and self.dice.random() < share

    async def client(self, reader, writer):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head.splitlines()[1:])}
            body = await reader.readexactly(int(fields.get("content-length", "0")))
            status, slow = self.answer(*head.split(" ", 2)[:2], fields.get("idempotency-key"), body)
            if status == 0:
                return
            if slow:
                await asyncio.sleep(0.05)
            writer.write(f"HTTP/1.1 {status} So\r\nContent-Length: 12\r\n\r\n".encode() + b'{"id": "r1"}')
            await writer.drain()


class Senders:
    """Senders that repeat each event until the answer is 202 or 200, as platforms do, and remember the answers."""

    def __init__(self, gateway, count, stop_after):
        self.gateway, self.acknowledged, self.numbers = gateway, {}, itertools.count(1)
        self.stopping, self.most = threading.Event(), stop_after
        self.threads = [threading.Thread(target=self.run) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while not self.stopping.is_set() and (number := next(self.numbers)) <= self.most:
            kind = {"type": "donation.pledge"} if number % 3 == 0 else {}
            event = {**donation(number, donor=f"d{number % 40}@example.org"), **kind}
            while True:
                try:
                    status, reply = self.gateway.post("internal", event)
                    if status in (200, 202):
                        self.acknowledged[event["id"]] = reply["saga"]
                        break
                except Exception:  # pylint: disable=broad-except  # http.client's many ways to say "it broke off"
                    pass
                self.stopping.wait(0.01)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


def config_of(receiver, fund, in_flight):
    def target(path, repeat, **settings):
        return http_target(receiver.url(path), repeat=repeat, settings=settings, limits={"in_flight": in_flight}, retry={"first": "20ms", "cap": "200ms"})
    undo = {name: {"undo": {"url": receiver.url(f"/{name}-undo")}} for name in ("first", "second")}
    steps = {"donation.created": [{"target": "crm"}, {"target": "books"}, {"target": "once", "after": ["books"]}, {"target": "ask"}],
             "donation.pledge": [{"target": "first"}, {"target": "second", "after": ["first"]}, {"target": "picky", "after": ["second"]}]}
    return {"sources": INTERNAL, "targets": {
        "crm": target("/crm", "keyed", body={"id": "{{id}}", "fund": fund}), "books": target("/books", "idempotent"), "once": target("/once", "unsafe"),
        "ask": target("/ask", "queryable", lookup={"url": receiver.url("/ask/{{id}}"), "found": ".id"}),
        "first": target("/first", "keyed", **undo["first"]), "second": target("/second", "keyed", **undo["second"]), "picky": target("/picky", "keyed")},
        "routes": [{"name": kind, "match": {"type": kind}, "steps": of, "on_failure": "compensate" if kind == "donation.pledge" else "continue"}
                   for kind, of in steps.items()]}


def inject_failures(gateway, receiver, dice):
    """What operators do at the same time."""
    for _ in range(dice.randint(1, 3)):
        act = dice.randrange(5)
        if act == 0:
            gateway.reload(config_of(receiver, dice.choice(("general", "roof", "organ")), dice.choice((2, 8, 16))))
        elif act == 1:
            gateway.cli("target", dice.choice(("pause", "resume")), dice.choice(("crm", "books", "second")))
        elif act == 2:
            gateway.cli("saga", "resume", "--all", "--yes", "--no-wait")
        elif act == 3:
            gateway.process.send_signal(signal.SIGSTOP)
            gateway.process.send_signal(signal.SIGCONT)
        else:
            gateway.cli("saga", dice.choice(("pause", "compensate")), dice.randint(1, 200), code=None)


def check_receiver(receiver, out_of_line):
    """Repeats are repeats, what cannot be repeated is not, and donors come in order."""
    bodies, sends, last = collections.defaultdict(set), collections.Counter(), {}
    for s in receiver.seen:
        bodies[s.key].add(s.body)
        sends[s.key] += 1
        check(s.path != "/once" or sends[s.key] == 1, f"an unsafe step was sent twice: {s}")
        if sends[s.key] > 1 or s.path not in ("/crm", "/books"):
            continue
        number, lane = int(s.event.split("-")[1]), (s.path, int(s.event.split("-")[1]) % 40)
        if (s.path, s.event) not in out_of_line:
            check(last.get(lane, 0) < number, f"{s.event} at {s.path} after ev-{last.get(lane)} of the same donor")
            last[lane] = number
    equal([key for key, of in bodies.items() if len(of) > 1], [], "keys under which two different bodies were sent")


def check_undo(receiver, sagas):
    """What was compensated is undone where it took effect, last first; nothing else is."""
    first_at = {}
    for s in receiver.seen:
        if s.applied:
            first_at.setdefault((s.path, s.event), s.at)
    for saga in sagas:
        at = {path: first_at.get((path, saga["event_id"])) for path in ("/first", "/second", "/first-undo", "/second-undo")}
        if saga["state"] != "compensated":
            check(saga["state"] == "attention" or at["/first-undo"] is None, f"undone, and {saga['state']}: {saga['id']}")
            continue
        for name in ("first", "second"):
            check(at[f"/{name}"] is None or at[f"/{name}-undo"] is not None, f"saga {saga['id']}: {name} took effect and was not undone")
        check(None in (at["/first-undo"], at["/second-undo"]) or at["/second-undo"] < at["/first-undo"], f"saga {saga['id']}: undone in the wrong order")


def check_log(log):
    numbers = [r["seq"] for r in log]
    equal(sorted(set(numbers)), list(range(1, max(numbers) + 1)), "log numbers are gapless")
    succeeded = {}
    for r in log:
        step = (r.get("id"), r.get("step"), r.get("direction", "do"))
        if r["record"] == "intent":
            check(step not in succeeded, f"an intent after a recorded success: {r}")
        elif r["record"] == "outcome" and r["outcome"] == "ok":
            succeeded[step] = True


# A lost answer and a refusal after it contradict each other; who asks for an undo asks about what is under way, too.
ALLOWED = {"crm": {"body_changed"}, "once": {"in_doubt"}, "picky": {"rejected", "in_doubt"}}


def chaos(fixture):
    dice = random.Random(SEED)
    receiver = Receiver(random.Random(SEED + 1))
    fixture.ending.append(receiver.stop)
    gateway = fixture.gateway(config_of(receiver, "general", 8))
    senders = Senders(gateway, 6, 150 * CYCLES)
    fixture.ending.append(senders.stop)
    for _ in range(CYCLES):
        floor = len(senders.acknowledged) + dice.randint(5, 100)
        wait_until("load before a kill", lambda wanted=floor: len(senders.acknowledged) >= min(wanted, senders.most), 60)
        inject_failures(gateway, receiver, dice)
        gateway.kill()
        gateway.write(config_of(receiver, dice.choice(("general", "roof")), 8))
        gateway.start()
    senders.stop()
    receiver.calm = True
    for target in ("crm", "books", "second"):
        gateway.cli("target", "resume", target)
    gateway.cli("saga", "resume", "--all", "--yes", code=None)  # 1 when some moved on meanwhile
    moving = ("running", "paused", "compensating")
    wait_until("everything settles", lambda: not any(gateway.admin("GET", "/v1/status")["sagas"][s] for s in moving), 120)
    sagas, log = gateway.sagas(), gateway.rows("log", "export")
    by_event = collections.Counter(s["event_id"] for s in sagas)
    equal({e: n for e, n in by_event.items() if n != 1}, {}, "events that became several sagas")
    equal({s["event_id"]: s["id"] for s in sagas if s["event_id"] in senders.acknowledged}, senders.acknowledged, "each acknowledged event has the saga of its acknowledgement")
    names = {s["id"]: s["event_id"] for s in sagas}
    check_log(log)
    check_receiver(receiver, {(f"/{r['step_name']}", names[r["id"]]) for r in log if r["record"] == "outcome" and r["outcome"] in ("body_changed", "fault")})
    check_undo(receiver, sagas)
    undone = {r["id"] for r in log if r["record"] == "verb" and r["verb"] == "compensate"}
    for saga in sagas:
        for step in saga["steps"]:
            if step["state"] == "attention":
                allowed = ALLOWED.get(step["target"], set()) | ({"in_doubt"} if saga["id"] in undone else set())
                check(step["reason"] in allowed, f"saga {saga['id']}: {step['target']} is {step['reason']}\n{gateway.cli('saga', 'show', saga['id'])}")
    status = gateway.admin("GET", "/v1/status")
    equal(status["accepted"], sum(status["sagas"].values()) + status["related"], "conservation")
    gateway.cli("verify")
    gateway.stop()
    print(f"seed {SEED}: {CYCLES} kills, {len(senders.acknowledged)} acknowledged, {len(receiver.seen)} requests; " +
          ", ".join(f"{count} {state}" for state, count in status["sagas"].items() if count))


if __name__ == "__main__":
    sys.exit(main([chaos]))
