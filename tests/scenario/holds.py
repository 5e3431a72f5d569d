#!/usr/bin/env python3
"""Holds: refused credentials, misconfigured and paused targets, what ends a hold, and that waiting steps do not all start at once after it."""
import http.server
import math
import sys
import threading
import time

from harness import INTERNAL, check, donation, equal, http_target, main, route, wait_until


class Receiver:
    """A receiver that decides by a function of path, headers and body, and knows how many were in flight at each arrival."""

    def __init__(self, fixture, decide, delay_s=0.0):
        self.decide, self.delay_s = decide, delay_s
        self.lock, self.never = threading.Lock(), threading.Event()
        self.now, self.done = 0, 0
        self.arrivals = []  # (when, in flight with this one, answered before)
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # pylint: disable=invalid-name
                receiver.handle(self)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads, request_queue_size = True, 128

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        fixture.ending.append(self.server.shutdown)

    def url(self, path):
        return f"http://127.0.0.1:{self.server.server_address[1]}{path}"

    def handle(self, request):
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        with self.lock:
            self.now += 1
            self.arrivals.append((time.monotonic(), self.now, self.done))
        self.never.wait(self.delay_s)
        status = self.decide(request.path, request.headers, body)
        with self.lock:
            self.now -= 1
            self.done += 1
        request.send_response(status)
        request.send_header("Content-Length", "0")
        request.end_headers()

    def reset(self):
        with self.lock:
            self.arrivals, self.done = [], 0


def always_status(status):
    return lambda path, headers, body: status


def one_target(fixture, url, **more):
    return fixture.gateway({"sources": INTERNAL, "targets": {"crm": http_target(url, **more)}, "routes": route("crm")})


def send_events(gateway, count, first=0):
    return [gateway.accepted("internal", donation(n, donor=f"d{n}@example.org")) for n in range(first, first + count)]


def alerts(gateway):
    return {(a["name"], a["subject"]) for a in gateway.rows("status")[0]["alerts"]}


# ---- no herd

HERD = 300


def check_ramp(receiver, first_alone=False):
    """Two in flight, then one more for each round: after c answers at most about sqrt(4 + 2c). Nothing else spreads them."""
    with receiver.lock:
        arrivals = list(receiver.arrivals)
    for when, (_, in_flight, answered) in enumerate(arrivals):
        foot = 1 if first_alone and answered == 0 else math.sqrt(4 + 2.5 * answered) + 1
        check(in_flight <= foot, f"arrival {when}: {in_flight} in flight after {answered} answers")
    begin = arrivals[0][0]
    at_once = sum(1 for at, _, _ in arrivals if at - begin < 0.1)
    check(at_once <= 40, f"{at_once} of {len(arrivals)} within 100 ms")
    check(max(n for _, n, _ in arrivals) >= 8, "it does grow")


def ramp_after_a_pause(fixture):
    """The target is at its full limit, then paused; after the resume the steps that waited start with the ramp."""
    receiver = Receiver(fixture, always_status(200), 0.02)
    gateway = one_target(fixture, receiver.url("/crm"), limits={"in_flight": 64})
    send_events(gateway, HERD)
    gateway.wait_all("completed", HERD)
    gateway.cli("target", "pause", "crm")
    send_events(gateway, HERD, HERD)
    receiver.reset()
    gateway.cli("target", "resume", "crm")
    gateway.wait_all("completed", 2 * HERD)
    equal(len(receiver.arrivals), HERD, "each once")
    check_ramp(receiver)


def ramp_after_an_outage(fixture):
    """The breaker is open; one probe, then the ramp."""
    broken = threading.Event()
    broken.set()
    receiver = Receiver(fixture, lambda *_: 503 if broken.is_set() else 200, 0.02)
    gateway = one_target(fixture, receiver.url("/crm"), limits={"in_flight": 64}, retry={"first": "100ms", "cap": "200ms"},
                         breaker={"consecutive": 3, "open": "200ms", "open_cap": "200ms"})
    send_events(gateway, HERD)
    wait_until("the breaker is open", lambda: gateway.target("crm")["breaker"] == "open")
    wait_until("what was under way has come back", lambda: gateway.target("crm")["in_flight"] == 0)
    with receiver.lock:
        broken.clear()
        receiver.arrivals, receiver.done = [], 0
    gateway.wait_all("completed", HERD)
    check_ramp(receiver, first_alone=True)


def ramp_after_a_restart(fixture):
    """kill -9 with the breaker open: the next process sends a probe first as well, and then starts with the ramp."""
    broken = threading.Event()
    broken.set()
    receiver = Receiver(fixture, lambda *_: 500 if broken.is_set() else 200, 0.02)
    gateway = one_target(fixture, receiver.url("/crm"), limits={"in_flight": 64}, breaker={"consecutive": 3, "open": "1h", "open_cap": "1h"})
    send_events(gateway, HERD)
    wait_until("the breaker is open", lambda: gateway.target("crm")["breaker"] == "open")
    wait_until("what was under way has come back", lambda: gateway.target("crm")["in_flight"] == 0)
    gateway.kill()
    broken.clear()
    receiver.reset()
    gateway.start()
    gateway.wait_all("completed", HERD)
    check_ramp(receiver, first_alone=True)


# ---- credentials

def one_route_forbidden(fixture):
    """401 at one target only: it stays held across a kill -9 and gives the reason, the other target continues, a probe ends the hold, and no attempt is lost."""
    shut = threading.Event()
    shut.set()
    receiver = Receiver(fixture, lambda path, *_: 401 if path == "/crm" and shut.is_set() else 200)
    target = http_target(receiver.url("/crm"), hold={"probe": "300ms"}, retry={"first": "50ms", "attempts": 2})
    config = {"sources": INTERNAL, "targets": {"crm": target, "books": http_target(receiver.url("/books"))}, "routes": route("crm", "books")}
    gateway = fixture.gateway(config)
    sagas = send_events(gateway, 5)
    wait_until("held", lambda: gateway.target("crm")["state"] == "held")
    check(gateway.target("crm")["reason"].startswith("credentials"), gateway.target("crm")["reason"])
    wait_until("the alert", lambda: ("credentials", "crm") in alerts(gateway))
    gateway.kill()
    gateway.start()
    equal(gateway.target("crm")["state"], "held", "still held")
    check("target resume crm" in gateway.cli("saga", "show", sagas[0]), "the saga says what it waits for")
    sagas += send_events(gateway, 5, 5)
    for saga in sagas:
        wait_until("its neighbour is done", lambda s=saga: [t["state"] for t in gateway.saga(s)["steps"]][1] == "succeeded")
    probes = len(receiver.arrivals)
    wait_until("it is probed again and again", lambda: len(receiver.arrivals) > probes + 2)
    equal({gateway.saga(s)["state"] for s in sagas}, {"running"}, "two attempts are allowed, and none was spent")
    shut.clear()
    gateway.wait_all("completed", 10)
    equal(gateway.target("crm")["state"], "ok", "a probe that was taken ends the hold")
    wait_until("and the alert", lambda: not alerts(gateway))


def new_credentials(fixture):
    """A secret in a file is changed: SIGHUP ends the hold; one that changes nothing does not."""
    receiver = Receiver(fixture, lambda path, headers, _: 200 if headers.get("Authorization") == "Bearer new" else 401)
    token = fixture.folder / "token"
    token.write_text("Bearer old\n")
    gateway = one_target(fixture, receiver.url("/crm"), settings={"headers": {"Authorization": {"$file": str(token)}}})
    saga = send_events(gateway, 1)[0]
    wait_until("held", lambda: gateway.target("crm")["state"] == "held")
    gateway.reload(gateway.config)
    equal(gateway.target("crm")["state"], "held", "nothing was changed")
    gateway.cli("target", "resume", "crm")
    wait_until("asked, refused, held again", lambda: len(receiver.arrivals) == 2 and gateway.target("crm")["state"] == "held")
    token.write_text("Bearer new\n")
    gateway.reload(gateway.config)
    gateway.wait_saga(saga, "completed")
    equal((gateway.target("crm")["state"], len(receiver.arrivals)), ("ok", 3), "at once, without a probe")


def forbidden_for_one(fixture):
    """403 for one event only is about the event; for two different ones it is about the credentials."""
    all_of_them = threading.Event()
    receiver = Receiver(fixture, lambda path, headers, body: 403 if all_of_them.is_set() or b"d0@" in body else 200)
    gateway = one_target(fixture, receiver.url("/crm"))
    first = send_events(gateway, 3)[0]
    gateway.wait_all("completed", 2)
    equal(gateway.wait_saga(first, "attention")["reason"], "rejected", "asked twice, another one was taken meanwhile")
    equal(gateway.target("crm")["state"], "ok", "the target is fine")
    all_of_them.set()
    send_events(gateway, 2, 10)
    wait_until("held", lambda: gateway.target("crm")["state"] == "held")


def forbidden_with_many_in_flight(fixture):
    """All steps are forbidden while sixteen are in flight: after the fix no step waits longer than its first retry."""
    shut = threading.Event()
    shut.set()
    receiver = Receiver(fixture, lambda *_: 403 if shut.is_set() else 200, 0.05)
    gateway = one_target(fixture, receiver.url("/crm"), retry={"first": "100ms", "cap": "1h", "attempts": 2})
    shut.clear()
    send_events(gateway, 60)
    gateway.wait_all("completed", 60)  # wide open
    shut.set()
    send_events(gateway, 40, 60)
    wait_until("held", lambda: gateway.target("crm")["state"] == "held")
    equal(gateway.sagas("--state", "attention"), [], "nothing is burnt")
    shut.clear()
    gateway.cli("target", "resume", "crm", "--reason", "they gave us the right")
    gateway.wait_all("completed", 100, seconds=20)


def two_forbidden_steps(fixture):
    """Two events in a row are forbidden, all others are not: a third step is asked soon, and the two are rejected for themselves."""
    receiver = Receiver(fixture, lambda path, headers, body: 403 if b"d0@" in body or b"d1@" in body else 200)
    gateway = one_target(fixture, receiver.url("/crm"), limits={"in_flight": 2}, retry={"first": "100ms", "cap": "1h"}, hold={"probe": "10s"})
    began = time.monotonic()
    send_events(gateway, 2)
    wait_until("held", lambda: gateway.target("crm")["state"] == "held")
    send_events(gateway, 5, 2)
    # The first probe comes 2 s after the hold. On a slow machine it finds no other step yet; the next comes with `probe`.
    in_time = time.monotonic() - began < 1.9
    posted = time.monotonic()
    gateway.wait_all("completed", 5)
    check(not in_time or time.monotonic() - posted < 8, "the first probe asks a third step")
    gateway.wait_all("attention", 2)
    equal({(s["id"], s["reason"]) for s in gateway.sagas("--state", "attention")}, {(1, "rejected"), (2, "rejected")}, "only these")
    equal(gateway.target("crm")["state"], "ok", "the others go on")


def replaced_while_in_flight(fixture):
    """The secret is exchanged while attempts with the old one are under way: what they say is about the old one."""
    answer, asked = threading.Event(), threading.Semaphore(0)

    def decide(_, headers, __):
        if headers.get("Authorization") == "Bearer new":
            return 200
        asked.release()
        answer.wait(30)
        return 401
    receiver = Receiver(fixture, decide)
    secret = fixture.folder / "token"
    secret.write_text("Bearer old")
    gateway = one_target(fixture, receiver.url("/crm"), settings={"headers": {"Authorization": {"$file": str(secret)}}})
    send_events(gateway, 2)
    for _ in range(2):
        check(asked.acquire(timeout=30), "both are under way")
    secret.write_text("Bearer new")
    gateway.reload(gateway.config)
    answer.set()
    gateway.wait_all("completed", 2)
    equal(gateway.target("crm")["state"], "ok", "it was never held")
    check(not any(r.get("change") == "held" for r in gateway.rows("log", "export")), "and the log has no hold")


def a_probe_that_is_rejected(fixture):
    """The probe is refused for what it says, not for who we are: the target answers again, and that one is for a person."""
    shut = threading.Event()
    shut.set()
    receiver = Receiver(fixture, lambda path, headers, body: 401 if shut.is_set() else 422 if b"d0@" in body else 200)
    gateway = one_target(fixture, receiver.url("/crm"), hold={"probe": "300ms"})
    first = send_events(gateway, 3)[0]
    wait_until("held", lambda: gateway.target("crm")["state"] == "held")
    shut.clear()
    gateway.wait_all("completed", 2)
    equal(gateway.wait_saga(first, "attention")["reason"], "rejected", "its own fault")
    equal(gateway.target("crm")["state"], "ok", "released")


def fixed_before_the_start(fixture):
    """Stopped, fixed and started again: the first probe comes at once, not after the interval. A paused target gets none."""
    token = {"CRM_TOKEN": "Bearer old"}
    receiver = Receiver(fixture, lambda path, headers, _: 200 if headers.get("Authorization") == "Bearer new" else 401)
    gateway = fixture.gateway({"sources": INTERNAL, "routes": route("crm"), "targets": {"crm": http_target(
        receiver.url("/crm"), settings={"headers": {"Authorization": {"$env": "CRM_TOKEN"}}})}}, env=token)
    send_events(gateway, 3)
    wait_until("held", lambda: gateway.target("crm")["state"] == "held")
    gateway.cli("target", "pause", "crm", "--reason", "wait for the vendor")
    both = gateway.target("crm")
    check(both["reason"].startswith("credentials") and both["paused"], f"held beats paused: {both}")
    check("target resume crm" in gateway.cli("saga", "retry", 2, "crm"), "a retry says why it does nothing")
    gateway.kill()
    gateway.env["CRM_TOKEN"] = "Bearer new"
    receiver.reset()
    gateway.start()
    gateway.accepted("internal", donation(9))
    equal((gateway.target("crm")["state"], len(receiver.arrivals)), ("held", 0), "paused as well: no probe is sent")
    gateway.cli("target", "resume", "crm")
    gateway.wait_all("completed", 4)
    gateway.env["CRM_TOKEN"] = "Bearer old"
    gateway.stop()
    gateway.start()
    send_events(gateway, 1, 20)
    wait_until("held", lambda: gateway.target("crm")["state"] == "held")
    gateway.env["CRM_TOKEN"] = "Bearer new"
    gateway.stop()
    gateway.start()
    gateway.wait_all("completed", 5)
    equal(gateway.target("crm")["state"], "ok", "asked once, and that was enough")


# ---- misconfigured, paused, gone

def twenty_rejected(fixture):
    receiver = Receiver(fixture, lambda path, *_: 200 if path == "/right" else 422)
    gateway = one_target(fixture, receiver.url("/wrong"), limits={"in_flight": 1})
    send_events(gateway, 30)
    wait_until("held", lambda: gateway.target("crm")["state"] == "held")
    check("misconfigured" in gateway.target("crm")["reason"], gateway.target("crm")["reason"])
    wait_until("the alert", lambda: ("misconfigured", "crm") in alerts(gateway))
    equal(len(gateway.sagas("--state", "attention")), 20, "the other ten are kept from it")
    out = gateway.cli("saga", "resume", "--all", "--yes")
    check("target resume crm" in out, out)
    equal((gateway.target("crm")["state"], len(receiver.arrivals)), ("held", 20), "resuming sagas does not release their target")
    gateway.reload({**gateway.config, "targets": {"crm": http_target(receiver.url("/right"))}})
    gateway.wait_all("completed", 30)
    equal(gateway.target("crm")["state"], "ok", "changed settings end the hold")


def paused_time_does_not_count(fixture):
    """Giving up after 300 ms: what waited longer, paused, is sent all the same; and a step exhausted had an attempt of its own."""
    receiver = Receiver(fixture, always_status(200))
    gateway = one_target(fixture, receiver.url("/crm"), retry={"first": "50ms", "give_up_after": "300ms"})
    gateway.cli("target", "pause", "crm", "--reason", "month end")
    equal(gateway.target("crm")["reason"], "month end", "why it is paused")
    saga = send_events(gateway, 1)[0]
    alone = send_events(gateway, 1, 1)[0]
    gateway.cli("saga", "pause", alone)
    began = time.monotonic()
    wait_until("longer than that", lambda: time.monotonic() > began + 0.5)
    gateway.kill()
    gateway.start()
    equal(gateway.target("crm")["state"], "paused", "over a kill -9")
    gateway.cli("target", "resume", "crm")
    gateway.wait_saga(saga, "completed")
    equal(gateway.saga(alone)["state"], "paused", "a saga's own pause is another thing")
    gateway.cli("saga", "resume", alone)
    gateway.wait_saga(alone, "completed")


def a_source_is_paused(fixture):
    receiver = Receiver(fixture, always_status(200))
    gateway = one_target(fixture, receiver.url("/crm"))
    send_events(gateway, 1)
    gateway.reload({**gateway.config, "sources": {"internal": {**INTERNAL["internal"], "paused": True}}})
    status, _ = gateway.post("internal", donation(7))
    equal(status, 503, "the sender shall come again")
    equal(gateway.rows("status")[0]["paused_sources"], ["internal"], "and the status says so")
    gateway.reload({**gateway.config, "sources": INTERNAL})
    send_events(gateway, 1, 7)
    gateway.wait_all("completed", 2)


def target_removed(fixture):
    """A reload that removes a target with open steps is refused with their count; at start they wait for a person."""
    receiver = Receiver(fixture, always_status(200))
    gateway = one_target(fixture, receiver.url("/crm"))
    whole = gateway.config
    gateway.cli("target", "pause", "crm")
    sagas = send_events(gateway, 3)
    gateway.reload({"sources": INTERNAL, "targets": {}, "routes": []}, taken=False)
    check("3 open steps (almoner saga list --target crm" in gateway.log(), gateway.log()[-500:])
    check("To continue:\n  almoner target resume crm" in gateway.cli("saga", "show", sagas[0]), "what it waits for")
    gateway.stop()
    gateway.write({"sources": INTERNAL, "targets": {}, "routes": []})
    gateway.start()
    for saga in sagas:
        equal(gateway.wait_saga(saga, "attention")["reason"], "target_missing", "there is no target to send it to")
    equal(gateway.target("crm")["state"], "missing", "shown")
    gateway.stop()
    gateway.write(whole)
    gateway.start()
    gateway.cli("target", "resume", "crm")
    gateway.cli("saga", "resume", "--all", "--yes")
    gateway.wait_all("completed", 3)


def thanks_expired(fixture):
    """A step with `expire` that could not be begun in time is left undone, and said to be."""
    receiver = Receiver(fixture, always_status(200))
    gateway = fixture.gateway({"sources": INTERNAL, "targets": {"thanks": http_target(receiver.url("/thanks")), "crm": http_target(receiver.url("/crm"))},
                             "routes": route("crm", {"target": "thanks", "expire": "1s"})})
    gateway.cli("target", "pause", "thanks")
    saga = send_events(gateway, 1)[0]
    began = time.monotonic()
    wait_until("too late", lambda: time.monotonic() > began + 1.1)
    gateway.cli("target", "resume", "thanks")
    late = gateway.wait_saga(saga, "completed_partial")
    equal([s["state"] for s in late["steps"]], ["succeeded", "skipped"], "steps")
    check("expired" in gateway.cli("saga", "show", saga), gateway.cli("saga", "show", saga))
    equal(len(receiver.arrivals), 1, "the CRM's alone")


if __name__ == "__main__":
    sys.exit(main([ramp_after_a_pause, ramp_after_an_outage, ramp_after_a_restart, one_route_forbidden, new_credentials, forbidden_for_one,
                   forbidden_with_many_in_flight, two_forbidden_steps, replaced_while_in_flight, a_probe_that_is_rejected,
                   fixed_before_the_start, twenty_rejected, paused_time_does_not_count, a_source_is_paused, target_removed, thanks_expired]))
