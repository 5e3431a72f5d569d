#!/usr/bin/env python3
"""Bad downstreams: each way a receiver can be bad, the outcome it has, what an unsafe step then is, what neighbours notice."""
import datetime
import email.utils
import http.client
import os
import pathlib
import sys
import threading
import time

from harness import BUILD, INTERNAL, SLOW, check, donation, equal, http_target, main, wait_until
from peers import OK, STAGES, Authority, Peer, ClosingPeer, UnacceptingPeer, answers, drips, floods, never_reads, resets_in_request, smtp

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
NEIGHBOUR_MS = 750  # below every time-out here: a loop that waits for one would show
NEVER_SEEN = ("Out of memory", "Callback aborted")  # libcurl's words that would mislead a person

# name: peer, outcome, requests that reach it from an unsafe step
HTTP = {
    "refuse": (ClosingPeer, "unreachable", 0),
    "no_answer_to_syn": (UnacceptingPeer, "unreachable", 0),
    "never_reads": (lambda: Peer(never_reads), "unknown", 0),
    "hang": (lambda: Peer(answers(then="hang")), "unknown", 1),
    "one_byte_a_second": (lambda: Peer(drips(OK, 1)), "unknown", 1),
    "endless_headers": (lambda: Peer(floods(HEAD, b"X-Filler: and another one\r\n" * 1000)), "unknown", 1),
    "endless_header_line": (lambda: Peer(floods(HEAD + b"X-Filler: ", b"and more " * 4000)), "unknown", 1),
    "endless_interim": (lambda: Peer(floods(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000)), "unknown", 1),
    "ten_gigabytes": (lambda: Peer(floods(HEAD + b"Content-Length: 10737418240\r\n\r\n", bytes(65536))), "ok", 1),
    "endless_chunks": (lambda: Peer(floods(CHUNKED, b"8000\r\n" + bytes(32768) + b"\r\n")), "ok", 1),
    "bomb": (lambda: Peer(floods(HEAD + b"Content-Encoding: gzip\r\n\r\n", bytes(65536))), "ok", 1),
    "bad_chunking": (lambda: Peer(answers(CHUNKED + b"ZZ\r\nno chunk\r\n")), "unknown", 1),
    "chunks_cut_off": (lambda: Peer(answers(CHUNKED + b"5\r\nhello\r\n")), "unknown", 1),
    "length_too_long": (lambda: Peer(answers(HEAD + b"Content-Length: 100\r\n\r\n{}")), "unknown", 1),
    "length_too_short": (lambda: Peer(answers(HEAD + b"Content-Length: 2\r\n\r\n{}" + b"and more" * 10, then="hang")), "ok", 1),
    "length_no_number": (lambda: Peer(answers(HEAD + b"Content-Length: lots\r\n\r\n{}")), "unknown", 1),
    "close_after_body": (lambda: Peer(answers()), "unknown", 1),
    "reset_after_body": (lambda: Peer(answers(then="reset")), "unknown", 1),
    "not_http": (lambda: Peer(answers(b"\x16\x03 what is this\r\n")), "unknown", 1),
    "redirect_loop": (lambda: Peer(answers(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")), "unknown", 1),
    "redirect_for_good": (lambda: Peer(answers(b"HTTP/1.1 308 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")), "rejected", 1),
}
# what an outcome makes of a step that is tried twice at most, and how often an unsafe one is sent then
ENDS = {"unreachable": ("exhausted", "exhausted", 2), "unknown": ("exhausted", "in_doubt", 1), "rejected": ("rejected", "rejected", 1), "ok": (None, None, 1)}
TWICE = {"retry": {"first": "100ms", "cap": "1s", "attempts": 2}, "limits": {"timeout": "1500ms", "connect_timeout": "1s"}}


def shimmed(**more):
    """The environment of a daemon with tests/support/net_shim.c under it."""
    sanitizer = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
    return {"LD_PRELOAD": str(BUILD / "tests" / "support" / "libalmoner_net_shim.so"), **sanitizer, **{k: str(v) for k, v in more.items()}}


def status_of(gateway, name):
    for line in pathlib.Path(f"/proc/{gateway.process.pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise AssertionError(name)


class HealthyTarget:
    """A target that is well: something is delivered to it all the time, and how long that took is kept."""

    def __init__(self, fixture, every=0.02):
        self.log, self.every, self.sent, self.over = fixture.folder / "well.log", every, {}, threading.Event()
        self.sink = fixture.sink(log=self.log)
        self.target = http_target(self.sink.url("/well/{{id}}"))
        self.route = {"name": "well", "match": {"type": "donation.well"}, "steps": [{"target": "well"}]}
        self.thread = None

    def start(self, gateway):
        def run():
            while not self.over.wait(self.every):
                event = donation(f"w{len(self.sent)}", donor=f"w{len(self.sent)}@example.org") | {"type": "donation.well"}
                self.sent[event["id"]] = time.monotonic()
                try:
                    gateway.accepted("internal", event)
                except (OSError, http.client.HTTPException):
                    return  # a gateway that has gone shows in `end`
        self.thread = threading.Thread(target=run)
        self.thread.start()

    def delivered(self):
        lines = [json_line.split('"') for json_line in self.log.read_text(encoding="utf-8").splitlines()]
        return {line[line.index("path") + 2].removeprefix("/well/"): int(line[line.index("at_us") + 1].strip(":,")) / 1e6 for line in lines}

    def close(self):
        """All that was sent is there, and none of it late."""
        wait_until("the neighbour had something to do", lambda: len(self.sent) > 20)
        self.over.set()
        self.thread.join()
        wait_until("all is at the neighbour's", lambda: len(self.delivered()) == len(self.sent))
        delivered = self.delivered()
        spans = sorted((delivered[event] - at) * 1000 for event, at in self.sent.items())
        check(spans[-1] < NEIGHBOUR_MS * SLOW, f"a neighbour's delivery took {spans[-1]:.0f} ms (p50 {spans[len(spans) // 2]:.0f} ms)")


def gateway_of(fixture, targets, healthy_target=None, env=None):
    """A route for each target, its type named after it; the daemon, and an event for each of them."""
    routes = [{"name": name, "match": {"type": f"donation.{name}"}, "steps": [{"target": name}]} for name in targets]
    if healthy_target:
        targets, routes = {"well": healthy_target.target, **targets}, [healthy_target.route, *routes]
    gateway = fixture.gateway({"sources": INTERNAL, "targets": targets, "routes": routes}, env=env)
    if healthy_target:
        healthy_target.start(gateway)
    return gateway


def send_event(gateway, name, number=0):
    return gateway.accepted("internal", donation(f"{name}-{number}", donor=f"{name}-{number}@example.org") | {"type": f"donation.{name}"})


def wait_step(gateway, saga, what, ends):
    """The only step of a saga once `ends` says it is where it should be."""
    def lookup():
        step = gateway.saga(saga)["steps"][0]
        return step if ends(step) else None
    try:
        return wait_until(what, lookup, 30)
    except AssertionError as failed:
        raise AssertionError(f"{failed}: {gateway.saga(saga)['steps'][0]}") from failed


def at_rest(step):
    return step["state"] in ("attention", "succeeded")


def expect(gateway, saga, name, outcome, reason):
    step = wait_step(gateway, saga, name, at_rest)
    equal((step["outcome"], step["reason"]), (outcome, reason), f"{name}: {step['detail']}")
    check(not any(words in (step["detail"] or "") for words in NEVER_SEEN), f"{name}: {step['detail']}")
    return step


# ---- HTTP

def http_receivers(fixture):
    """Each bad receiver twice: behind a step that may be repeated and behind one that may not, which is sent once."""
    healthy_target, peers, targets = HealthyTarget(fixture), {}, {}
    for name, (make, _, _) in HTTP.items():
        for repeat in ("keyed", "unsafe"):
            peer = peers[f"{name}-{repeat}"] = make()
            fixture.ending.append(peer.stop)
            targets[f"{name}-{repeat}"] = http_target(peer.url(), repeat=repeat) | TWICE
    gateway = gateway_of(fixture, targets, healthy_target)
    sagas = {name: send_event(gateway, name) for name in targets}
    for name, (_, outcome, requests) in HTTP.items():
        keyed, unsafe, sends = ENDS[outcome]
        expect(gateway, sagas[f"{name}-keyed"], f"{name}, keyed", outcome, keyed)
        step = expect(gateway, sagas[f"{name}-unsafe"], f"{name}, unsafe", outcome, unsafe)
        equal(step["attempts"], sends, f"attempts of {name}, unsafe")
        equal(peers[f"{name}-unsafe"].request_count("requests"), requests, f"requests of {name}, unsafe")
    healthy_target.close()
    if SLOW == 1:
        check(status_of(gateway, "VmHWM") < 64 << 10, f"memory within its bound: {status_of(gateway, 'VmHWM')} KiB")
    gateway.stop()


def reset_at_each_byte(fixture):
    """The connection dies at byte k of the reply, or of the request: doubt, and one send, whatever k is."""
    whole = HEAD + b"Content-Length: 2\r\n\r\n{}"

    def in_reply(client):
        at = client.peer.request_count("connections") - 1
        client.request()
        client.send(whole[:at])
        client.reset()

    def in_request(client):
        resets_in_request(1 + (client.peer.request_count("connections") - 1) * 12)(client)
    reply, request = Peer(in_reply), Peer(in_request)
    fixture.ending += [reply.stop, request.stop]
    one = {**TWICE["limits"], "in_flight": 1}
    gateway = gateway_of(fixture, {"reply": http_target(reply.url(), repeat="unsafe", limits=one), "request": http_target(request.url(), repeat="unsafe", limits=one)})
    counts = {"reply": len(whole), "request": 30}
    sagas = {name: [send_event(gateway, name, n) for n in range(count)] for name, count in counts.items()}
    for name, numbers in sagas.items():
        for at, number in enumerate(numbers):
            expect(gateway, number, f"{name} {at}", "unknown", "in_doubt")
    equal((reply.request_count("requests"), reply.request_count("connections"), request.request_count("connections")), (len(whole), len(whole), 30), "one send each")


def large_replies(fixture):
    """As many replies at once as may be, each of the most that is read: memory is bounded by the configuration."""
    peer = Peer(floods(HEAD + b"Content-Length: 10737418240\r\n\r\n", bytes(65536)))
    fixture.ending.append(peer.stop)
    healthy_target = HealthyTarget(fixture)
    gateway = gateway_of(fixture, {"large": http_target(peer.url(), limits={"in_flight": 16, "reply": "1MiB"})}, healthy_target)
    before = status_of(gateway, "VmHWM")
    sagas = [send_event(gateway, "large", n) for n in range(200)]
    for number in sagas:
        expect(gateway, number, "large", "ok", None)
    healthy_target.close()
    if SLOW == 1:
        grown = status_of(gateway, "VmHWM") - before
        check(grown < 32 << 10, f"memory grew by {grown} KiB for 16 replies of 1 MiB at once")


def unrequested_reply(fixture):
    """A second reply, or a 408 on the idle connection, is not the answer to the next request."""
    def script_of(unasked):
        def script(client):
            while True:
                client.request()
                client.send(OK)
                client.peer.over.wait(0.05)
                client.send(unasked)
                client.peer.count("unasked")
        return script
    peers = {"again": Peer(script_of(OK)), "goodbye": Peer(script_of(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"))}
    fixture.ending += [peer.stop for peer in peers.values()]
    gateway = gateway_of(fixture, {name: http_target(peer.url()) for name, peer in peers.items()})
    for name, peer in peers.items():
        for n in range(4):
            expect(gateway, send_event(gateway, name, n), name, "ok", None)
            wait_until("it was said", lambda: peer.request_count("unasked") == n + 1)
            equal(peer.request_count("requests"), n + 1, f"{name}: a success is a request that was answered")


def large_request(fixture):
    """A server that never says 100-continue is not asked to; one that answers before it has read all is heard, or it is doubt."""
    def early_reply(client):
        while b"\r\n\r\n" not in client.rest:
            client.read_more()
        client.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    sink, peer = fixture.sink(), Peer(early_reply)
    fixture.ending.append(peer.stop)
    sink.set_behaviour("/crm", {"no_continue": True})
    gateway = gateway_of(fixture, {"silent": http_target(sink.url("/crm"), repeat="unsafe"), "early": http_target(peer.url(), repeat="unsafe")})
    big = {"note": "x" * 900_000}
    sagas = {name: gateway.accepted("internal", donation(name, donor=name) | big | {"type": f"donation.{name}"}) for name in ("silent", "early")}
    expect(gateway, sagas["silent"], "silent", "ok", None)
    headers = {name.lower() for name in sink.entries("/crm")[0]["headers"]}
    check(not headers & {"expect", "accept-encoding"}, f"nothing is asked for that could be held back or blown up: {headers}")
    step = wait_step(gateway, sagas["early"], "early", at_rest)
    check((step["outcome"], step["reason"]) in (("rejected", "rejected"), ("unknown", "in_doubt")), f"early: {step}")
    equal(peer.request_count("connections"), 1, "one send")


def patience(fixture):
    """Retry-After: extends the wait, never beyond the cap; nonsense counts for nothing."""
    sink = fixture.sink()
    soon = email.utils.formatdate(time.time() + 20, usegmt=True)
    rows = {"seconds": ("20", 15, 35), "date": (soon, 10, 35), "huge": ("99999999999", 55, 95), "too_huge": ("9" * 40, 0, 5), "negative": ("-5", 0, 5), "words": ("later", 0, 5),
            "past": ("Thu, 01 Jan 1998 00:00:00 GMT", 0, 5), "year": ("31536000", 55, 95)}
    gateway = gateway_of(fixture, {name: http_target(sink.url(f"/{name}")) | {"retry": {"first": "1s", "cap": "60s"}} for name in rows})
    for name, (value, least, most) in rows.items():
        sink.set_behaviour(f"/{name}", {"status": 429, "headers": {"Retry-After": value}})
        began = time.time()
        step = wait_step(gateway, send_event(gateway, name), name, lambda step: step["state"] == "retry_wait")
        wait = datetime.datetime.fromisoformat(step["next_at"]).timestamp() - began
        check(least <= wait <= most * SLOW, f"{name}: next in {wait:.1f} s")
        equal(step["outcome"], "busy", name)


# ---- TLS and names

def tls(fixture):
    """Who cannot prove to be the one that was meant gets nothing, over HTTP and over SMTP; who can is delivered to."""
    authority = Authority(fixture.folder / "authority")
    contexts = {"good": authority.server("good"), "wrong_host": authority.server("wrong", address="127.0.0.2"),
                "expired": authority.server("expired", days=-1), "self_signed": authority.server("own", signed=False)}
    healthy_target, peers, targets = HealthyTarget(fixture), {}, {}
    peers = {name: Peer(answers(OK), tls=context) for name, context in contexts.items()}
    peers["no_tls"] = Peer(answers(OK))
    peers["no_handshake"] = Peer(never_reads)
    fixture.ending += [peer.stop for peer in peers.values()]
    for name, peer in peers.items():
        targets[name] = http_target(peer.url("https"), repeat="unsafe") | TWICE
        targets[f"{name}-mail"] = mail_target(fixture, peer.port, tls="tls")
    gateway = gateway_of(fixture, targets, healthy_target, shimmed(ALMONER_SHIM_CA=authority.path))
    sagas = {name: send_event(gateway, name) for name in targets if name != "good-mail"}
    for name, saga in sagas.items():
        good = name == "good"
        step = expect(gateway, saga, name, "ok" if good else "unreachable", None if good else "exhausted")
        if name.startswith(("wrong", "expired", "self")):
            check("certificate" in step["detail"], f"{name}: {step['detail']}")
    for name, peer in peers.items():
        equal(peer.request_count("requests"), 1 if name == "good" else 0, f"requests of {name}")
    healthy_target.close()


def host_names(fixture):
    """A resolver that hangs, fails and recovers again and again: other targets do not wait, threads stay few, and steps continue when names resolve again."""
    sink, table = fixture.sink(), fixture.folder / "names"

    def answer_lookups(**verdicts):
        fresh = table.with_suffix(".new")
        fresh.write_text("".join(f"{name}.test {verdict}\n" for name, verdict in verdicts.items()), encoding="ascii")
        fresh.replace(table)
    answer_lookups(hang="hang", none="none", flap="none", mail="hang")
    fixture.ending.append(lambda: answer_lookups(hang="none", none="none", flap="none", mail="none"))
    healthy_target, targets = HealthyTarget(fixture), {}
    for name in ("hang", "none", "flap"):
        targets[name] = http_target(f"http://{name}.test:{sink.http}/{name}", repeat="unsafe", limits={"connect_timeout": "300ms"})
    targets["mail"] = mail_target(fixture, sink.smtp, host="mail.test", limits={"connect_timeout": "300ms"})
    del targets["mail"]["retry"]["attempts"]
    gateway = gateway_of(fixture, targets, healthy_target, shimmed(ALMONER_SHIM_NAMES=table))
    sagas = {(name, n): send_event(gateway, name, n) for name in targets for n in range(40)}
    for name in targets:
        step = wait_step(gateway, sagas[name, 39], name, lambda step: step["attempts"] > 2)
        equal(step["outcome"], "unreachable", f"{name}: {step['detail']}")
    # two hanging targets: 16 look-ups lost, 2 and then a probe under way; the mail has a thread of its own besides
    check(status_of(gateway, "Threads") < 60, f"threads: {status_of(gateway, 'Threads')}")
    for verdict in ("127.0.0.1", "none", "127.0.0.1"):
        answer_lookups(hang="hang", none="none", flap=verdict, mail="hang")
    gateway.wait_saga(sagas["flap", 0], "completed", 30)
    answer_lookups(hang="127.0.0.1", none="127.0.0.1", flap="127.0.0.1", mail="127.0.0.1")
    for name in ("hang", "none", "flap"):
        wait_until(f"all are at {name}", lambda: sink.count(f"/{name}", "answered") >= 40, 40)
        equal(sink.count(f"/{name}"), 40, f"sends to {name}")
    wait_until("all mails are there", lambda: sink.count("/smtp", "messages") >= 40)
    equal(sink.count("/smtp", "messages"), 40, "mails")
    healthy_target.close()


# ---- SMTP

def mail_target(fixture, port, **more):
    text = fixture.folder / "thanks.txt"
    text.write_text("Thank you\n", encoding="utf-8")
    settings = {"host": more.pop("host", "127.0.0.1"), "port": port, "tls": more.pop("tls", "none"), "from": "a@charity.example", "subject": "Hi", "text": str(text)}
    target = http_target("", breaker={"consecutive": 1000, "minimum": 1000, "window": 1000}) | {"connector": "email", "settings": settings}
    target |= {"retry": dict(TWICE["retry"]), "limits": {**TWICE["limits"], **more.pop("limits", {})}}
    return target


LATER = "451 4.3.0 not now"
NO = "550 5.1.1 no"


def smtp_end(stage, how):
    """Outcome, reason and messages taken, of one fault at one stage (saga/DESIGN.md "Outcome classes")."""
    if stage == "quit":
        return "ok", None, 1
    taken = 1 if stage == "dot" else 0
    if stage != "greeting" and how in (LATER, "421 4.3.2 closing"):
        return "busy", None, taken
    if stage != "greeting" and how == NO:
        return "rejected", "rejected", taken
    return ("unknown", "in_doubt", 1) if stage == "dot" else ("unreachable", "exhausted", 0)


def smtp_receivers(fixture):
    """Each fault at each reply of a mail server. What comes after the 354 is doubt unless it is a reply; one send then, ever."""
    healthy_target, peers, targets, rows = HealthyTarget(fixture), {}, {}, {}
    for stage in STAGES:
        for how in (LATER, "421 4.3.2 closing", NO, "silence", "close", "reset", "garbage", "endless", "endless_line"):
            name = f"{stage}-{how.split()[0]}"
            peers[name], rows[name] = Peer(smtp(stage, how)), smtp_end(stage, how)
            fixture.ending.append(peers[name].stop)
            targets[name] = mail_target(fixture, peers[name].port)
    gateway = gateway_of(fixture, targets, healthy_target)
    sagas = {name: send_event(gateway, name) for name in targets}
    for name, (outcome, reason, taken) in rows.items():
        if outcome == "busy":
            step = wait_step(gateway, sagas[name], name, lambda step: step["state"] == "retry_wait")
            equal(step["outcome"], "busy", f"{name}: {step['detail']}")
            continue
        expect(gateway, sagas[name], name, outcome, reason)
        equal(peers[name].request_count("messages"), taken, f"messages taken by {name}")
    healthy_target.close()
    gateway.stop()


def many_silent_mail_servers(fixture):
    """A silent mail server with three hundred mails before it: as many threads as may be in flight, and an end within its time."""
    well = 60  # this many are accepted first, which opens the ramp up to the configured limit

    def script(client):
        smtp("dot", "silence" if client.peer.request_count("connections") > well else "250 queued")(client)
    peer, healthy_target = Peer(script), HealthyTarget(fixture)
    fixture.ending.append(peer.stop)
    gateway = gateway_of(fixture, {"mail": mail_target(fixture, peer.port, limits={"timeout": "60s", "in_flight": 8})}, healthy_target)
    before = status_of(gateway, "Threads")
    for n in range(300):
        send_event(gateway, "mail", n)
    wait_until("all that may be are under way", lambda: peer.request_count("messages") == well + 8)
    check(status_of(gateway, "Threads") <= before + 8 * 2, f"threads: {before} before, {status_of(gateway, 'Threads')} with 8 mails in flight")
    healthy_target.close()
    gateway.config["drain"] = "1s"
    gateway.reload(gateway.config)
    began = time.monotonic()
    gateway.stop()
    check(time.monotonic() - began < 5 * SLOW, f"it took {time.monotonic() - began:.1f} s to stop")
    gateway.start()
    equal(len(gateway.sagas("--state", "attention", "--target", "mail")), 8, "those under way are in doubt, the others wait")
    check(peer.request_count("messages") <= well + 16, "one send each")


if __name__ == "__main__":
    sys.exit(main([http_receivers, reset_at_each_byte, large_replies, unrequested_reply, large_request, patience, tls, host_names, smtp_receivers, many_silent_mail_servers]))
