#!/usr/bin/env python3
"""Holds: refused credentials, misconfigured and paused targets, what ends a hold, and that nothing comes back as a herd."""
import http.server
import math
import sys
import threading
import time

from harness import INTERNAL, check, donation, equal, http_target, main, route, until


class Receiver:
    """A receiver that decides by a function of path, headers and body, and knows how many were in flight at each arrival."""

    def __init__(self, place, decide, delay_s=0.0):
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
        place.ending.append(self.server.shutdown)

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

    def begin_again(self):
        with self.lock:
            self.arrivals, self.done = [], 0


def always(status):
    return lambda path, headers, body: status


def one_target(place, url, **more):
    return place.gateway({"sources": INTERNAL, "targets": {"crm": http_target(url, **more)}, "routes": route("crm")})


def give(gateway, count, first=0):
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


def herd_after_a_pause(place):
    """The target is warm and wide open, then paused; what gathered comes back from the foot of the ramp."""
    receiver = Receiver(place, always(200), 0.02)
    gateway = one_target(place, receiver.url("/crm"), limits={"in_flight": 64})
    give(gateway, HERD)
    gateway.wait_all("completed", HERD)
    gateway.cli("target", "pause", "crm")
    give(gateway, HERD, HERD)
    receiver.begin_again()
    gateway.cli("target", "resume", "crm")
    gateway.wait_all("completed", 2 * HERD)
    equal(len(receiver.arrivals), HERD, "each once")
    check_ramp(receiver)


def herd_after_an_outage(place):
    """The breaker is open; one probe, then the ramp."""
    broken = threading.Event()
    broken.set()
    receiver = Receiver(place, lambda *_: 503 if broken.is_set() else 200, 0.02)
    gateway = one_target(place, receiver.url("/crm"), limits={"in_flight": 64}, retry={"first": "100ms", "cap": "200ms"},
                         breaker={"consecutive": 3, "open": "200ms", "open_cap": "200ms"})
    give(gateway, HERD)
    until("the breaker is open", lambda: gateway.target("crm")["breaker"] == "open")
    until("what was under way has come back", lambda: gateway.target("crm")["in_flight"] == 0)
    with receiver.lock:
        broken.clear()
        receiver.arrivals, receiver.done = [], 0
    gateway.wait_all("completed", HERD)
    check_ramp(receiver, first_alone=True)


def herd_after_a_restart(place):
    """kill -9 with the breaker open: the next process asks first, too, and comes back along the ramp."""
    broken = threading.Event()
    broken.set()
    receiver = Receiver(place, lambda *_: 500 if broken.is_set() else 200, 0.02)
    gateway = one_target(place, receiver.url("/crm"), limits={"in_flight": 64}, breaker={"consecutive": 3, "open": "1h", "open_cap": "1h"})
    give(gateway, HERD)
    until("the breaker is open", lambda: gateway.target("crm")["breaker"] == "open")
    until("what was under way has come back", lambda: gateway.target("crm")["in_flight"] == 0)
    gateway.kill()
    broken.clear()
    receiver.begin_again()
    gateway.start()
    gateway.wait_all("completed", HERD)
    check_ramp(receiver, first_alone=True)


# ---- credentials

def one_door_shut(place):
    """401 at one target only: it is held over a kill -9 and says why, its neighbour goes on, a probe ends it, nothing was burnt."""
    shut = threading.Event()
    shut.set()
    receiver = Receiver(place, lambda path, *_: 401 if path == "/crm" and shut.is_set() else 200)
    target = http_target(receiver.url("/crm"), hold={"probe": "300ms"}, retry={"first": "50ms", "attempts": 2})
    config = {"sources": INTERNAL, "targets": {"crm": target, "books": http_target(receiver.url("/books"))}, "routes": route("crm", "books")}
    gateway = place.gateway(config)
    sagas = give(gateway, 5)
    until("held", lambda: gateway.target("crm")["state"] == "held")
    check(gateway.target("crm")["reason"].startswith("credentials"), gateway.target("crm")["reason"])
    until("the alert", lambda: ("credentials", "crm") in alerts(gateway))
    gateway.kill()
    gateway.start()
    equal(gateway.target("crm")["state"], "held", "still held")
    check("target resume crm" in gateway.cli("saga", "show", sagas[0]), "the saga says what it waits for")
    sagas += give(gateway, 5, 5)
    for saga in sagas:
        until("its neighbour is done", lambda s=saga: [t["state"] for t in gateway.saga(s)["steps"]][1] == "succeeded")
    probes = len(receiver.arrivals)
    until("it is probed again and again", lambda: len(receiver.arrivals) > probes + 2)
    equal({gateway.saga(s)["state"] for s in sagas}, {"running"}, "two attempts are allowed, and none was spent")
    shut.clear()
    gateway.wait_all("completed", 10)
    equal(gateway.target("crm")["state"], "ok", "a probe that was taken ends the hold")
    until("and the alert", lambda: not alerts(gateway))


def new_credentials(place):
    """A secret in a file is changed: SIGHUP ends the hold; one that changes nothing does not."""
    receiver = Receiver(place, lambda path, headers, _: 200 if headers.get("Authorization") == "Bearer new" else 401)
    token = place.folder / "token"
    token.write_text("Bearer old\n")
    gateway = one_target(place, receiver.url("/crm"), settings={"headers": {"Authorization": {"$file": str(token)}}})
    saga = give(gateway, 1)[0]
    until("held", lambda: gateway.target("crm")["state"] == "held")
    gateway.reload(gateway.config)
    equal(gateway.target("crm")["state"], "held", "nothing was changed")
    gateway.cli("target", "resume", "crm")
    until("asked, refused, held again", lambda: len(receiver.arrivals) == 2 and gateway.target("crm")["state"] == "held")
    token.write_text("Bearer new\n")
    gateway.reload(gateway.config)
    gateway.wait_saga(saga, "completed")
    equal((gateway.target("crm")["state"], len(receiver.arrivals)), ("ok", 3), "at once, without a probe")


def forbidden_for_one(place):
    """403 for one event only is about the event; for two different ones it is about the credentials."""
    all_of_them = threading.Event()
    receiver = Receiver(place, lambda path, headers, body: 403 if all_of_them.is_set() or b"d0@" in body else 200)
    gateway = one_target(place, receiver.url("/crm"))
    first = give(gateway, 3)[0]
    gateway.wait_all("completed", 2)
    equal(gateway.wait_saga(first, "attention")["reason"], "rejected", "asked twice, another one was taken meanwhile")
    equal(gateway.target("crm")["state"], "ok", "the target is fine")
    all_of_them.set()
    give(gateway, 2, 10)
    until("held", lambda: gateway.target("crm")["state"] == "held")


def forbidden_with_many_in_flight(place):
    """All are forbidden while sixteen are under way: after the mending nobody waits for longer than his first retry."""
    shut = threading.Event()
    shut.set()
    receiver = Receiver(place, lambda *_: 403 if shut.is_set() else 200, 0.05)
    gateway = one_target(place, receiver.url("/crm"), retry={"first": "100ms", "cap": "1h", "attempts": 2})
    shut.clear()
    give(gateway, 60)
    gateway.wait_all("completed", 60)  # wide open
    shut.set()
    give(gateway, 40, 60)
    until("held", lambda: gateway.target("crm")["state"] == "held")
    equal(gateway.sagas("--state", "attention"), [], "nothing is burnt")
    shut.clear()
    gateway.cli("target", "resume", "crm", "--reason", "they gave us the right")
    gateway.wait_all("completed", 100, seconds=20)


def two_that_are_forbidden(place):
    """Two events in a row are forbidden, all others are not: a third step is asked soon, and the two are rejected for themselves."""
    receiver = Receiver(place, lambda path, headers, body: 403 if b"d0@" in body or b"d1@" in body else 200)
    gateway = one_target(place, receiver.url("/crm"), limits={"in_flight": 2}, retry={"first": "100ms", "cap": "1h"})
    give(gateway, 2)
    until("held", lambda: gateway.target("crm")["state"] == "held")
    give(gateway, 5, 2)
    gateway.wait_all("completed", 5)
    gateway.wait_all("attention", 2)
    equal({(s["id"], s["reason"]) for s in gateway.sagas("--state", "attention")}, {(1, "rejected"), (2, "rejected")}, "only these")
    equal(gateway.target("crm")["state"], "ok", "the others go on")


def exchanged_while_under_way(place):
    """The secret is exchanged while attempts with the old one are under way: what they say is about the old one."""
    answer, asked = threading.Event(), threading.Semaphore(0)

    def decide(_, headers, __):
        if headers.get("Authorization") == "Bearer new":
            return 200
        asked.release()
        answer.wait(30)
        return 401
    receiver = Receiver(place, decide)
    secret = place.folder / "token"
    secret.write_text("Bearer old")
    gateway = one_target(place, receiver.url("/crm"), settings={"headers": {"Authorization": {"$file": str(secret)}}})
    give(gateway, 2)
    for _ in range(2):
        check(asked.acquire(timeout=30), "both are under way")
    secret.write_text("Bearer new")
    gateway.reload(gateway.config)
    answer.set()
    gateway.wait_all("completed", 2)
    equal(gateway.target("crm")["state"], "ok", "it was never held")
    check(not any(r.get("change") == "held" for r in gateway.rows("log", "export")), "nor does the log say so")


def a_probe_that_is_rejected(place):
    """The probe is refused for what it says, not for who we are: the target answers again, and that one is for a person."""
    shut = threading.Event()
    shut.set()
    receiver = Receiver(place, lambda path, headers, body: 401 if shut.is_set() else 422 if b"d0@" in body else 200)
    gateway = one_target(place, receiver.url("/crm"), hold={"probe": "300ms"})
    first = give(gateway, 3)[0]
    until("held", lambda: gateway.target("crm")["state"] == "held")
    shut.clear()
    gateway.wait_all("completed", 2)
    equal(gateway.wait_saga(first, "attention")["reason"], "rejected", "its own fault")
    equal(gateway.target("crm")["state"], "ok", "released")


def mended_before_the_start(place):
    """Stopped, mended, started: the first question comes at once, not after the interval. A pause keeps it from being asked."""
    token = {"CRM_TOKEN": "Bearer old"}
    receiver = Receiver(place, lambda path, headers, _: 200 if headers.get("Authorization") == "Bearer new" else 401)
    gateway = place.gateway({"sources": INTERNAL, "routes": route("crm"), "targets": {"crm": http_target(
        receiver.url("/crm"), settings={"headers": {"Authorization": {"$env": "CRM_TOKEN"}}})}}, env=token)
    give(gateway, 3)
    until("held", lambda: gateway.target("crm")["state"] == "held")
    gateway.cli("target", "pause", "crm", "--reason", "wait for the vendor")
    both = gateway.target("crm")
    check(both["reason"].startswith("credentials") and both["paused"], f"held beats paused: {both}")
    check("target resume crm" in gateway.cli("saga", "retry", 2, "crm"), "a retry says why it does nothing")
    gateway.kill()
    gateway.env["CRM_TOKEN"] = "Bearer new"
    receiver.begin_again()
    gateway.start()
    gateway.accepted("internal", donation(9))
    equal((gateway.target("crm")["state"], len(receiver.arrivals)), ("held", 0), "paused, too: nobody asks")
    gateway.cli("target", "resume", "crm")
    gateway.wait_all("completed", 4)
    gateway.env["CRM_TOKEN"] = "Bearer old"
    gateway.stop()
    gateway.start()
    give(gateway, 1, 20)
    until("held", lambda: gateway.target("crm")["state"] == "held")
    gateway.env["CRM_TOKEN"] = "Bearer new"
    gateway.stop()
    gateway.start()
    gateway.wait_all("completed", 5)
    equal(gateway.target("crm")["state"], "ok", "asked once, and that was enough")


# ---- misconfigured, paused, gone

def twenty_rejected(place):
    receiver = Receiver(place, lambda path, *_: 200 if path == "/right" else 422)
    gateway = one_target(place, receiver.url("/wrong"), limits={"in_flight": 1})
    give(gateway, 30)
    until("held", lambda: gateway.target("crm")["state"] == "held")
    check("misconfigured" in gateway.target("crm")["reason"], gateway.target("crm")["reason"])
    until("the alert", lambda: ("misconfigured", "crm") in alerts(gateway))
    equal(len(gateway.sagas("--state", "attention")), 20, "the other ten are kept from it")
    out = gateway.cli("saga", "resume", "--all", "--yes")
    check("target resume crm" in out, out)
    equal((gateway.target("crm")["state"], len(receiver.arrivals)), ("held", 20), "resuming sagas does not release their target")
    gateway.reload({**gateway.config, "targets": {"crm": http_target(receiver.url("/right"))}})
    gateway.wait_all("completed", 30)
    equal(gateway.target("crm")["state"], "ok", "changed settings end the hold")


def paused_time_does_not_count(place):
    """Giving up after 300 ms: what waited longer, paused, is sent all the same; and a step exhausted had an attempt of its own."""
    receiver = Receiver(place, always(200))
    gateway = one_target(place, receiver.url("/crm"), retry={"first": "50ms", "give_up_after": "300ms"})
    gateway.cli("target", "pause", "crm", "--reason", "month end")
    equal(gateway.target("crm")["reason"], "month end", "why it is paused")
    saga = give(gateway, 1)[0]
    alone = give(gateway, 1, 1)[0]
    gateway.cli("saga", "pause", alone)
    began = time.monotonic()
    until("longer than that", lambda: time.monotonic() > began + 0.5)
    gateway.kill()
    gateway.start()
    equal(gateway.target("crm")["state"], "paused", "over a kill -9")
    gateway.cli("target", "resume", "crm")
    gateway.wait_saga(saga, "completed")
    equal(gateway.saga(alone)["state"], "paused", "a saga's own pause is another thing")
    gateway.cli("saga", "resume", alone)
    gateway.wait_saga(alone, "completed")


def a_source_is_paused(place):
    receiver = Receiver(place, always(200))
    gateway = one_target(place, receiver.url("/crm"))
    give(gateway, 1)
    gateway.reload({**gateway.config, "sources": {"internal": {**INTERNAL["internal"], "paused": True}}})
    status, _ = gateway.post("internal", donation(7))
    equal(status, 503, "the sender shall come again")
    equal(gateway.rows("status")[0]["paused_sources"], ["internal"], "and the status says so")
    gateway.reload({**gateway.config, "sources": INTERNAL})
    give(gateway, 1, 7)
    gateway.wait_all("completed", 2)


def a_target_goes(place):
    """A reload that removes a target with open steps is refused with their count; at start they wait for a person."""
    receiver = Receiver(place, always(200))
    gateway = one_target(place, receiver.url("/crm"))
    whole = gateway.config
    gateway.cli("target", "pause", "crm")
    sagas = give(gateway, 3)
    gateway.reload({"sources": INTERNAL, "targets": {}, "routes": []}, taken=False)
    check("3 open steps (almoner saga list --target crm" in gateway.log(), gateway.log()[-500:])
    check("To continue:\n  almoner target resume crm" in gateway.cli("saga", "show", sagas[0]), "what it waits for")
    gateway.stop()
    gateway.write({"sources": INTERNAL, "targets": {}, "routes": []})
    gateway.start()
    for saga in sagas:
        equal(gateway.wait_saga(saga, "attention")["reason"], "target_missing", "nobody to send it to")
    equal(gateway.target("crm")["state"], "missing", "shown")
    gateway.stop()
    gateway.write(whole)
    gateway.start()
    gateway.cli("target", "resume", "crm")
    gateway.cli("saga", "resume", "--all", "--yes")
    gateway.wait_all("completed", 3)


def too_late_to_thank(place):
    """A step with `expire` that could not be begun in time is left undone, and said to be."""
    receiver = Receiver(place, always(200))
    gateway = place.gateway({"sources": INTERNAL, "targets": {"thanks": http_target(receiver.url("/thanks")), "crm": http_target(receiver.url("/crm"))},
                             "routes": route("crm", {"target": "thanks", "expire": "1s"})})
    gateway.cli("target", "pause", "thanks")
    saga = give(gateway, 1)[0]
    began = time.monotonic()
    until("too late", lambda: time.monotonic() > began + 1.1)
    gateway.cli("target", "resume", "thanks")
    late = gateway.wait_saga(saga, "completed_partial")
    equal([s["state"] for s in late["steps"]], ["succeeded", "skipped"], "steps")
    check("expired" in gateway.cli("saga", "show", saga), gateway.cli("saga", "show", saga))
    equal(len(receiver.arrivals), 1, "the CRM's alone")


if __name__ == "__main__":
    sys.exit(main([herd_after_a_pause, herd_after_an_outage, herd_after_a_restart, one_door_shut, new_credentials, forbidden_for_one,
                   forbidden_with_many_in_flight, two_that_are_forbidden, exchanged_while_under_way, a_probe_that_is_rejected,
                   mended_before_the_start, twenty_rejected, paused_time_does_not_count, a_source_is_paused, a_target_goes, too_late_to_thank]))
