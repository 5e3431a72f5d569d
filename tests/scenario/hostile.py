#!/usr/bin/env python3
"""Hostile intake: whatever clients send, the daemon continues, stays small, and keeps every authentic event."""
import base64
import concurrent.futures
import hashlib
import hmac
import json
import pathlib
import random
import re
import socket
import struct
import sys
import threading
import time

from harness import SLOW, check, equal, main, wait_until

SECRET = "forms-secret"
ATTACKER = "127.0.0.2"  # another address of the loopback: the senders of live events are not it
FORMS = {"forms": {"verify": {"scheme": "hmac", "header": "X-Signature"}, "secrets": [SECRET], "map": "."}}
LIMITS = {"request_timeout": "2s", "connections": 64, "connections_total": 256}


def sign(body, secret=SECRET):
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def event(n, **more):
    return json.dumps({"id": f"ev-{n}", "type": "donation.created", "amount": {"minor": 100, "currency": "EUR"}, **more}).encode()


def request(body, head="", path="/in/forms", signature=None):
    return (f"POST {path} HTTP/1.1\r\nHost: x\r\nX-Signature: {signature or sign(body)}\r\n{head}"
            f"Content-Length: {len(body)}\r\n\r\n").encode("latin-1") + body


def connect(gateway, source=ATTACKER, timeout=20):
    sock = socket.socket()
    sock.settimeout(timeout * SLOW)
    sock.bind((source, 0))
    sock.connect(("127.0.0.1", gateway.port))
    return sock


def send_bytes(sock, data):
    """Sends; a connection that was closed meanwhile is no failure of the test."""
    try:
        sock.sendall(data)
        return True
    except OSError:
        return False


def read_reply(sock):
    """All that comes until the other side closes."""
    heard = b""
    try:
        while piece := sock.recv(65536):
            heard += piece
    except ConnectionError:
        pass
    return heard


def exchange(gateway, data):
    """What is answered to these bytes, when nothing more is said."""
    with connect(gateway) as sock:
        if send_bytes(sock, data):
            try:
                sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        return read_reply(sock)


def statuses(heard):
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d\d\d)", heard)]


class LiveTraffic:
    """A well-behaved sender beside all that: each of its events is accepted, and soon. And the daemon stays small."""

    def __init__(self, gateway, most_s=2.0):
        self.gateway, self.most_s = gateway, most_s
        self.taken, self.slowest, self.failed = 0, 0.0, None
        self.fds, self.rss = self.now()
        self.most_rss = self.rss
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def now(self):
        proc = pathlib.Path(f"/proc/{self.gateway.process.pid}")
        rss = next(int(line.split()[1]) for line in (proc / "status").read_text(encoding="ascii").splitlines() if line.startswith("VmRSS"))
        return len(list((proc / "fd").iterdir())), rss / 1024

    def run(self):
        try:
            while not self.stop.wait(0.02):
                body = event(f"live-{id(self)}-{self.taken}")
                began = time.monotonic()
                status, _ = self.gateway.post("forms", body, {"X-Signature": sign(body)})
                equal(status, 202, "a live event")
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.taken += 1
                self.most_rss = max(self.most_rss, self.now()[1])
        except Exception as failed:  # pylint: disable=broad-except
            self.failed = failed

    def __enter__(self):
        self.thread.start()
        wait_until("the first live event", lambda: self.taken > 0 or self.failed)
        return self

    def __exit__(self, kind, *_):
        taken = self.taken
        if kind is None:
            wait_until("live events go on", lambda: self.taken > taken + 2 or self.failed)
        self.stop.set()
        self.thread.join()
        if kind is not None:
            return
        check(self.failed is None, f"live events: {self.failed}")
        check(self.slowest < self.most_s * SLOW, f"the slowest live event took {self.slowest:.2f} s")
        wait_until("no descriptor is left", lambda: self.now()[0] <= self.fds + 2)
        if SLOW == 1:  # a sanitizer needs more by design
            check(self.most_rss < self.rss + 64, f"memory went from {self.rss:.0f} to {self.most_rss:.0f} MiB")
        print(f"         {self.taken} live events, slowest {self.slowest * 1000:.0f} ms, {self.rss:.0f} → {self.most_rss:.0f} MiB")


def counts(gateway, source="forms"):
    return gateway.admin("GET", "/v1/status")["intake"]["sources"].get(source, {})


def check_none_lost(gateway):
    status = gateway.admin("GET", "/v1/status")
    equal(status["accepted"], sum(status["sagas"].values()) + status["related"], "accepted = sagas + related")
    check("event=store_failed" not in gateway.log(), "the store is well")


def slow_senders(fixture):
    """Heads and bodies that come byte by byte: cut off when their time is over, though they never pause."""
    gateway = fixture.gateway({"sources": FORMS, "limits": LIMITS})
    body = event("slow")
    with LiveTraffic(gateway):
        slow = [connect(gateway) for _ in range(60)]
        rest = [b"POST /in/forms HTTP/1.1\r\nX-Slow: " + b"y" * 1000 if n % 2 else request(body) for n in range(60)]
        for n, sock in enumerate(slow):
            if n % 2 == 0:  # the whole head, then the body
                send_bytes(sock, rest[n][:-len(body)])
                rest[n] = rest[n][-len(body):]
        given, last = 0, 0.0

        def all_closed():
            nonlocal given, last
            if time.monotonic() - last < 0.2:
                return False
            last = time.monotonic()
            open_now = [n for n, sock in enumerate(slow) if send_bytes(sock, rest[n][given:given + 1])]
            given += 1
            return not open_now
        began = time.monotonic()
        wait_until("all were cut off", all_closed, 30)
        check(time.monotonic() - began < 10 * SLOW, "in time")
        for sock in slow:
            sock.close()
    wait_until("and counted", lambda: counts(gateway, "-")["slow"] >= 60)
    check_none_lost(gateway)


def floods(fixture):
    """More connections than may come, from one address and in all: the others get in."""
    gateway = fixture.gateway({"sources": FORMS, "limits": LIMITS})
    with LiveTraffic(gateway):
        flood = [connect(gateway) for _ in range(200)]
        wait_until("those above the limit are closed", lambda: gateway.admin("GET", "/v1/status")["intake"]["connections"] <= 64 + 8)
        wait_until("and counted", lambda: counts(gateway, "-")["busy"] >= 100)
        for sock in flood:
            send_bytes(sock, b"POST /in/forms HTTP/1.1\r\n")
        for sock in flood:
            sock.close()
    gateway.stop()
    gateway.write({"sources": FORMS, "limits": {**LIMITS, "connections": 1000, "connections_total": 64}})
    gateway.start()
    flood = [connect(gateway) for _ in range(150)]  # every connection is taken, by clients that send nothing

    def is_accepted():
        try:
            return gateway.post("forms", event("in"), {"X-Signature": sign(event("in"))})[0] in (200, 202)
        except OSError:
            return False
    wait_until("a sender gets in when theirs is over", is_accepted, 15)
    for sock in flood:
        sock.close()
    check_none_lost(gateway)


def requests_by_the_thousand(fixture):
    """Forged requests as fast as they can be sent, on many connections: each answered 401, the log file is no drain."""
    gateway = fixture.gateway({"sources": FORMS, "limits": LIMITS, "alerts": {"window": "2s"}})
    forged = request(event("forged"), signature="00" * 32)
    with LiveTraffic(gateway):
        answers = []

        def attack():
            with connect(gateway) as sock:
                sock.settimeout(60 * SLOW)
                reader = threading.Thread(target=lambda: answers.extend(statuses(read_reply(sock))))
                reader.start()
                for _ in range(500):
                    send_bytes(sock, forged)
                sock.shutdown(socket.SHUT_WR)
                reader.join()
        attackers = [threading.Thread(target=attack) for _ in range(8)]
        for thread in attackers:
            thread.start()
        for thread in attackers:
            thread.join()
        equal((len(answers), set(answers)), (4000, {401}), "each is refused")
        wait_until("an alert", lambda: [a for a in gateway.rows("status")[0]["alerts"] if a["name"] == "unverified"])
    equal(counts(gateway)["unverified"], 4000, "each is counted")
    lines = gateway.log().count("event=refused")
    check(lines < 400, f"{lines} lines in the log")
    wait_until("it says how many more there were", lambda: statuses(exchange(gateway, forged)) == [401] and "suppressed=" in gateway.log())
    equal(len([s for s in gateway.sagas() if "forged" in s["event_id"]]), 0, "none is taken")
    check_none_lost(gateway)


def hostile_bodies():
    mib = 1 << 20
    yield from (b"[" * (mib - 10), b'{"a":' * 100000, b"[" * 5000 + b"]" * 5000, b'{"a":[' * 2000 + b"]}" * 2000)
    yield from (b"", b" ", b"null", b"true", b"1", b'"x"', b"{", b"}", b"{}x", b"[1,]", b"{'a':1}", b"nul", b"\x00", b"\xef\xbb\xbf{}")
    yield from (b'{"id":"a","id":"b","type":"x"}', b'{"a":{"b":1,"b":2}}')
    yield from (b'{"id":"\xff\xfe"}', b'{"id":"\xc0\xaf"}', b'{"id":"\xed\xa0\x80"}', b'{"id":"\\ud800"}', b'{"id":"\\udc00\\ud800"}')
    yield from (b'{"id":"a\\u0000b","type":"x"}', b'{"a\\u0000":1}', b'{"id":"a\x00b"}', b'{"id":"a\nb"}', b'{"id":"\\x"}')
    yield from (b'{"id":1e400,"type":"x"}', b"9" * 100000, b"-" + b"9" * 100000, b"0." + b"1" * 100000, b"1e" + b"9" * 1000, b"01", b"+1", b".5", b"1.")
    yield from (b'{"id":"' + b"x" * (mib - 20) + b'"}', b'{"' + b"k" * (mib - 20) + b'":1}', b'"' + b"\\" * 100001)
    yield b"{" + b",".join(b'"k%d":%d' % (n, n) for n in range(60000)) + b"}"
    yield b"[" + b",".join([b"1e999999"] * 60000) + b"]"
    yield b'{"id":"amount","type":"donation.created","amount":{"minor":99999999999999999999999,"currency":"EUR"}}'
    yield b'{"id":"neg","type":"donation.created","amount":{"value":"-1e5","currency":"EUR"}}'
    yield b'{"id":["not a text"],"type":{"nor":"this"},"amount":[]}'
    yield bytes(range(256)) * 100


def authentic_but_unusable(fixture):
    """Signed, and no use: accepted into quarantine with its bytes as they came; the same again is a duplicate."""
    gateway = fixture.gateway({"sources": FORMS, "limits": LIMITS})
    bodies = list(hostile_bodies())
    sagas = {}
    with LiveTraffic(gateway, 5.0):
        for body in bodies:
            status, reply = gateway.post("forms", body, {"X-Signature": sign(body)})
            check(status == 202 and reply["saga"], f"{body[:40]!r}: {status} {reply}")
            if reply.get("quarantined"):
                sagas[reply["saga"]] = body
            again, reply_again = gateway.post("forms", body, {"X-Signature": sign(body)})
            check(again == 200 and reply_again == {"saga": reply["saga"], "duplicate": True}, f"{body[:40]!r} again: {again} {reply_again}")
        check(len(sagas) >= len(bodies) - 10, f"{len(sagas)} of {len(bodies)} in quarantine")
        for number in sorted(sagas)[::3]:
            saga = gateway.saga(number)
            equal((saga["state"], saga["reason"]), ("attention", "quarantined"), "kept for a person")
            gateway.cli_error("event", "reprocess", number, code=1)
            check("as received" in gateway.cli("event", "show", number), "for people, too")
    check_none_lost(gateway)
    gateway.stop()
    for number, body in sagas.items():
        shown = gateway.rows("event", "show", number)[0]
        raw = base64.b64decode(shown["raw_base64"]) if shown["raw"] is None else shown["raw"].encode()
        check(raw == body, f"saga {number} shows the bytes as they came")
    gateway.cli("verify")


def mutated(fixture):
    """Signed bodies with bytes changed at random, and forged ones: never anything but the promised answers."""
    gateway = fixture.gateway({"sources": FORMS, "limits": LIMITS})
    chance = random.Random(20261126)
    with LiveTraffic(gateway):
        for n in range(400):
            body = bytearray(event(n, donor={"email": f"d{n}@example.org", "name": "Ämily \U0001f381"}, note=[1, 2.5, None, {"a": "b"}]))
            for _ in range(chance.randrange(1, 6)):
                at = chance.randrange(len(body))
                act = chance.randrange(4)
                if act == 0:
                    body[at] = chance.randrange(256)
                elif act == 1:
                    del body[at:at + chance.randrange(1, 20)]
                elif act == 2:
                    body[at:at] = bytes(chance.choices(b'{}[]",:\\0-e.\x00\xff', k=chance.randrange(1, 9)))
                else:
                    body[at:at] = body[:chance.randrange(len(body))]
            body = bytes(body)
            good = n % 3 != 0
            status, _ = gateway.post("forms", body, {"X-Signature": sign(body) if good else sign(body, "another")})
            check(status in ((200, 202) if good else (401,)), f"{status} for {body!r}")
    check_none_lost(gateway)


BODY = event("wire")
CHUNKED = "POST /in/forms HTTP/1.1\r\nHost: x\r\nX-Signature: %s\r\nTransfer-Encoding: chunked\r\n%s\r\n"


def chunks(*pieces, head=""):
    return (CHUNKED % (sign(BODY), head)).encode() + b"".join(pieces)


# What comes, and the statuses that may be answered; 0: closed without an answer. What is no request never gets a 2xx.
WIRE = [
    ("length and chunks", chunks(b"0\r\n\r\n", head=f"Content-Length: {len(BODY)}\r\n") + request(BODY), {400}),
    ("chunks and length", request(BODY, "Transfer-Encoding: chunked\r\n"), {400}),
    ("two lengths", request(BODY, "Content-Length: 5\r\n"), {400}),
    ("the length twice", request(BODY, f"Content-Length: {len(BODY)}\r\n"), {400}),
    ("a list of lengths", request(BODY).replace(f"Content-Length: {len(BODY)}".encode(), f"Content-Length: {len(BODY)}, {len(BODY)}".encode()), {400, 0}),
    ("negative length", request(BODY).replace(b"Content-Length: ", b"Content-Length: -"), {400, 413, 0}),
    ("plus", request(BODY).replace(b"Content-Length: ", b"Content-Length: +"), {400, 413, 0}),
    ("hex", request(BODY).replace(b"Content-Length: ", b"Content-Length: 0x"), {400, 413, 0}),
    ("2^64", request(b"").replace(b"Content-Length: 0", b"Content-Length: 18446744073709551616"), {400, 413, 0}),
    ("2^63", request(b"").replace(b"Content-Length: 0", b"Content-Length: 9223372036854775808"), {400, 413, 0}),
    ("no such encoding", request(BODY, "Transfer-Encoding: xchunked\r\n"), {400, 501}),
    ("gzip", request(BODY, "Transfer-Encoding: gzip\r\n"), {400, 501}),
    ("two encodings", chunks(b"0\r\n\r\n", head="Transfer-Encoding: identity\r\n"), {400, 501}),
    ("chunks on 1.0", chunks(b"0\r\n\r\n").replace(b"HTTP/1.1", b"HTTP/1.0"), {400}),
    ("chunk size of letters", chunks(b"zz\r\nabc\r\n0\r\n\r\n"), {400, 0}),
    ("negative chunk", chunks(b"-1\r\nabc\r\n0\r\n\r\n"), {400, 0}),
    ("endless chunk", chunks(b"ffffffffffffffff\r\nabc"), {400, 413, 0}),
    ("chunk of 2^64 and one", chunks(b"10000000000000001\r\nabc"), {400, 413, 0}),
    ("no chunk size", chunks(b"\r\n\r\n"), {400, 0}),
    ("chunk longer than said", chunks(b"2\r\nabcdef\r\n0\r\n\r\n"), {400, 0}),
    ("chunk extensions without end", chunks(b"1;" + b"x" * 200000), {400, 413, 431, 500, 0}),
    ("trailers without end", chunks(b"0\r\n" + b"X-T: y\r\n" * 20000), {400, 401, 413, 431, 0}),
    ("ten thousand headers", b"POST /in/forms HTTP/1.1\r\n" + b"X-A: b\r\n" * 10000 + b"\r\n", {400, 413, 431, 0}),
    ("one header of a MiB", b"POST /in/forms HTTP/1.1\r\nX-A: " + b"b" * (1 << 20) + b"\r\n\r\n", {400, 413, 431, 0}),
    ("header without colon", b"POST /in/forms HTTP/1.1\r\nHost x\r\n\r\n", {400, 401, 0}),
    ("NUL in a header", b"POST /in/forms HTTP/1.1\r\nX-Signature: a\x00b\r\nContent-Length: 0\r\n\r\n", {400, 401, 0}),
    ("folded header", b"POST /in/forms HTTP/1.1\r\nX-Signature: a\r\n b\r\nContent-Length: 0\r\n\r\n", {400, 401, 0}),
    ("lone line feeds", b"POST /in/forms HTTP/1.1\nContent-Length: 0\n\n", {400, 401, 0}),
    ("method of 100 KB", b"M" * 100000 + b" /in/forms HTTP/1.1\r\n\r\n", {400, 405, 413, 414, 431, 0}),
    ("method of control bytes", b"\x01\x02\x7f /in/forms HTTP/1.1\r\n\r\n", {400, 405, 0}),
    ("path of 100 KB", b"POST /" + b"p" * 100000 + b" HTTP/1.1\r\n\r\n", {400, 404, 413, 414, 431, 0}),
    ("path with NUL", b"POST /in/forms%00x HTTP/1.1\r\nContent-Length: 0\r\n\r\n", {400, 401, 404, 0}),
    ("path that climbs", b"POST /in/../../etc/passwd HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", {404}),
    ("broken percent", b"POST /in/%zz%f HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", {404}),
    ("absolute address", b"POST http://x/in/nobody HTTP/1.1\r\nContent-Length: 0\r\n\r\n", {400, 404, 0}),
    ("asterisk", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", {404, 405}),
    ("connect", b"CONNECT evil:80 HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404, 405, 0}),
    ("trace", b"TRACE /in/forms HTTP/1.1\r\nHost: x\r\n\r\n", {405}),
    ("HTTP 0.9", b"GET /in/forms\r\n", {400, 405, 505, 0}),
    ("HTTP 2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 404, 405, 505, 0}),
    ("HTTP 9.9", b"POST /in/forms HTTP/9.9\r\nContent-Length: 0\r\n\r\n", {400, 401, 505, 0}),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300), {400, 0}),
    ("empty lines", b"\r\n" * 50000, {400, 413, 414, 431, 0}),
    ("zeros", bytes(100000), {400, 413, 414, 431, 0}),
    ("nothing", b"", {0}),
    ("half a head", b"POST /in/forms HTTP/1.1\r\nX-Sig", {400, 0}),
    ("half a body", request(BODY)[:-5], {400, 0}),
    ("expects nonsense", request(BODY, "Expect: the-unexpected\r\n", signature="00"), {401, 417}),
]


def bad_requests(fixture):
    """Bytes that are no request, or two at once: refused or closed, and nothing of them is taken for an event."""
    gateway = fixture.gateway({"sources": FORMS, "limits": LIMITS})
    wrong = []
    with LiveTraffic(gateway):
        with concurrent.futures.ThreadPoolExecutor(16) as several:
            answers = list(several.map(lambda row: statuses(exchange(gateway, row[1])) or [0], WIRE))
        for (name, _, wanted), heard in zip(WIRE, answers):
            if heard[0] not in wanted or any(200 <= s < 300 for s in heard):
                wrong.append(f"{name}: {heard}, wanted one of {sorted(wanted)}")
    check(not wrong, "; ".join(wrong))
    equal([s["event_id"] for s in gateway.sagas() if s["event_id"] == "ev-wire"], [], "no event came of it")
    check_none_lost(gateway)


def good_requests(fixture):
    """Odd, but right: they are taken as they should be."""
    gateway = fixture.gateway({"sources": FORMS, "limits": LIMITS})

    def answers(data):
        return statuses(exchange(gateway, data))

    many = [event(f"pipe-{n}") for n in range(100)]
    heard = exchange(gateway, b"".join(map(request, many)))
    equal(statuses(heard), [202] * 100, "a hundred at once on one connection")
    numbers = [int(number) for number in re.findall(rb'"saga":(\d+)', heard)]
    equal(numbers, sorted(numbers), "in their order")
    body = event("bytes")
    pieces = b"".join(b"1\r\n" + bytes([c]) + b"\r\n" for c in body) + b"0\r\n\r\n"
    equal(answers((CHUNKED % (sign(body), "")).encode() + pieces), [202], "a chunk a byte")
    body = event("extension")
    heard = answers((CHUNKED % (sign(body), "")).encode() + b"%x;a=b\r\n" % len(body) + body + b"\r\n0\r\n\r\n")
    check(heard in ([202], [400]), f"an extension is taken, or refused as libmicrohttpd 1.0.1 does: {heard}")
    body = event("trailer")
    equal(answers((CHUNKED % (sign(body), "")).encode() + b"%x\r\n" % len(body) + body + b"\r\n0;a=b\r\nX-T: y\r\n\r\n"), [202], "extension at the end, trailer")
    body = event("old")
    equal(answers(request(body).replace(b"HTTP/1.1", b"HTTP/1.0")), [202], "HTTP/1.0")
    body = event("lower")
    equal(answers(request(body).replace(b"X-Signature", b"x-sIGNATURE")), [202], "any case")
    body = event("big", text="x" * ((1 << 20) - 200))
    equal(answers(request(body)), [202], "just below the limit")
    equal(answers(request(event("bigger", text="x" * (1 << 20)))), [413], "and above it")
    body = event("continue")
    with connect(gateway) as sock:
        send_bytes(sock, request(body, "Expect: 100-continue\r\n")[:-len(body)])
        heard = b""
        while b"\r\n\r\n" not in heard:
            heard += sock.recv(4096)
        equal(statuses(heard), [100], "go on")
        send_bytes(sock, body)
        sock.shutdown(socket.SHUT_WR)
        equal(statuses(read_reply(sock)), [202], "then the answer")
    with connect(gateway) as sock:  # half closed: it has said all, and listens
        body = event("half")
        send_bytes(sock, request(body))
        sock.shutdown(socket.SHUT_WR)
        equal(statuses(read_reply(sock)), [202], "half closed")
    check_none_lost(gateway)


def replayed_signatures(fixture):
    """The same signed request again is a duplicate while its time lasts, and refused afterwards."""
    stripe = {"verify": {"scheme": "hmac", "header": "Stripe-Signature", "element_separator": ",", "key_separator": "=",
                         "signature_element": "v1", "timestamp_element": "t", "signed_string": "{timestamp}.{body}", "tolerance": "3s"},
              "secrets": [SECRET], "map": "."}
    gateway = fixture.gateway({"sources": {"forms": stripe}})
    body = event("again")

    def signed(at, of=body):
        return {"Stripe-Signature": f"t={at},v1={hmac.new(SECRET.encode(), b'%d.' % at + of, hashlib.sha256).hexdigest()}"}
    now = int(time.time())
    for age in (-3600, -60, 60, 3600):
        equal(gateway.post("forms", body, signed(now + age))[0], 401, f"{age} s from now")
    headers = signed(int(time.time()))
    saga = gateway.accepted("forms", body, headers)
    seen = []

    def refused():
        status, reply = gateway.post("forms", body, headers)
        seen.append(status)
        check(status == 401 or reply == {"saga": saga, "duplicate": True}, f"{status} {reply}")
        return status == 401
    wait_until("its time is over", refused, 30)
    check(seen[0] == 200, "a duplicate at first")
    equal(gateway.post("forms", body, {"Stripe-Signature": headers["Stripe-Signature"].replace("v1=", "v0=")})[0], 401, "an old version")
    other = event("other")
    equal(gateway.post("forms", other, signed(int(time.time())))[0], 401, "of another body")
    equal(len(gateway.sagas()), 1, "one event")


def abused_connections(fixture):
    """Resets in the middle, a thousand requests on one connection, answers that are not read, bodies that never end."""
    gateway = fixture.gateway({"sources": FORMS, "limits": {**LIMITS, "queue_bytes": "4MiB"}})
    with LiveTraffic(gateway):
        for n in range(200):
            body = event(f"reset-{n}")
            with connect(gateway) as sock:
                send_bytes(sock, request(body)[:1 + n * len(request(body)) // 200])
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closes by reset
        with connect(gateway) as sock:
            for n in range(1000):
                send_bytes(sock, request(event(f"kept-{n}")))
                head = b""
                while b"\r\n\r\n" not in head or not head.endswith(b"}"):
                    head += sock.recv(4096)
                check(head.startswith(b"HTTP/1.1 202"), f"request {n} on one connection: {head[:40]!r}")
        deaf = connect(gateway)
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.settimeout(0.2)
        bad = request(event("deaf"), signature="00")
        wait_until("without a reader: it is cut off or no more is taken in", lambda: not send_bytes(deaf, bad * 100), 30)
        deaf.close()
        big = request(event("unfinished", text="x" * 1000000))[:-1]
        held = [connect(gateway) for _ in range(40)]
        for sock in held:
            threading.Thread(target=send_bytes, args=(sock, big), daemon=True).start()
        wait_until("bodies under way stay within their bound", lambda: counts(gateway)["busy"] > 0 or
              gateway.admin("GET", "/v1/status")["intake"]["reading_bytes"] > 3 << 20)
        check(gateway.admin("GET", "/v1/status")["intake"]["reading_bytes"] <= 4 << 20, "4 MiB of bodies")
        wait_until("they are cut off", lambda: gateway.admin("GET", "/v1/status")["intake"]["connections"] < 10, 30)
        for sock in held:
            sock.close()
        wait_until("nothing is held of them", lambda: gateway.admin("GET", "/v1/status")["intake"]["reading_bytes"] < 1 << 20)
    equal(len([s for s in gateway.sagas() if s["event_id"].startswith("ev-kept-")]), 1000, "all of the one connection")
    check_none_lost(gateway)


if __name__ == "__main__":
    sys.exit(main([slow_senders, floods, requests_by_the_thousand, authentic_but_unusable, mutated, bad_requests, good_requests,
                   replayed_signatures, abused_connections]))
