#!/usr/bin/env python3
"""The disk fills, fails or is held up, and the clock jumps: what was acknowledged is there, and nothing is hurried."""
import errno
import http.client
import os
import re
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import threading

from harness import INTERNAL, SLOW, Skipped, UnixConnection, check, donation, equal, http_target, main, route, until
from shim import SYNCS, WRITES, Shim

MIB = 1 << 20


class SmallDisk:
    """A file system of its own, so that it can really be full, and a ballast that leaves as much room as is wanted."""

    def __init__(self, place, mib):
        self.path = place.folder / "disk"
        self.path.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "almoner-test", str(self.path)], capture_output=True, text=True,
                              check=False) if os.geteuid() == 0 else None
        if done is None or done.returncode != 0:
            raise Skipped(f"a small file system cannot be mounted here ({done.stderr.strip() if done else 'not root'})")
        place.ending.append(lambda: subprocess.run(["umount", "--lazy", str(self.path)], check=True))
        self.ballast = self.path / "ballast"

    def free(self):
        room = os.statvfs(self.path)
        return room.f_bavail * room.f_frsize

    def leave(self, free_bytes):
        with open(self.ballast, "ab") as file:
            size = file.tell() + self.free() - free_bytes
            if size < file.tell():
                file.truncate(max(0, size))
            else:
                os.posix_fallocate(file.fileno(), file.tell(), size - file.tell())

    def fill(self):
        """Leaves nothing, whatever else is being written meanwhile."""
        with open(self.ballast, "ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(MIB if self.free() > 2 * MIB else 4096))
            except OSError as full:
                equal(full.errno, errno.ENOSPC, "full")


def on_disk(place, sink, disk=None, reserve="64MiB", env=None, **more):
    store = {"url": f"sqlite:{disk.path}/almoner.db" if disk else "sqlite:almoner.db", "reserve": reserve}
    return place.gateway({"sources": INTERNAL, "store": store, "targets": {"crm": http_target(sink.url("/crm"), **more)},
                          "routes": route("crm")}, env)


class Acknowledged:
    """Senders that post until they are told to stop or the gateway is gone; they keep what was acknowledged."""

    def __init__(self, gateway, threads=4, first=0, padding=0):
        self.gateway, self.next, self.padding = gateway, first, padding
        self.sagas, self.refused, self.lock, self.stopping = {}, [], threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while not self.stopping.is_set():
            with self.lock:
                number = self.next
                self.next += 1
            try:
                status, reply = self.gateway.post("internal", donation(number, donor=f"d{number}@example.org", note="x" * self.padding))
            except (OSError, http.client.HTTPException):
                return
            if status == 202:
                self.sagas[number] = reply["saga"]
            else:
                self.refused.append(status)
                self.stopping.wait(0.02)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        return self.sagas


class LargeEvents(Acknowledged):
    """Each is much of a write-ahead log."""

    def __init__(self, gateway):
        super().__init__(gateway, threads=3, padding=200000)


def log_bytes(gateway, disk=None):
    return os.stat(f"{disk.path if disk else gateway.folder}/almoner.db-wal").st_size


def all_there(gateway, sagas):
    """Each acknowledged event is the saga its sender was told, and the log is sound."""
    known = {s["id"]: s["event_id"] for s in gateway.sagas()}
    for number, saga in sagas.items():
        equal(known.get(saga), f"ev-{number}", f"the saga of the acknowledged ev-{number}")
    gateway.cli("verify")


# ---- full

def below_the_reserve(place):
    """503 below the default reserve; what is in flight is still recorded, nothing new begins; goes on by itself when there is room."""
    disk = SmallDisk(place, 128)
    sink = place.sink()
    sink.behave("/crm", {"status": 200, "delay_ms": int(1500 * SLOW)})
    gateway = place.gateway({"sources": INTERNAL, "store": {"url": f"sqlite:{disk.path}/almoner.db"}, "routes": route("crm"),
                             "targets": {"crm": http_target(sink.url("/crm"), limits={"in_flight": 4})}})
    sagas = {n: gateway.accepted("internal", donation(n, donor=f"d{n}@example.org")) for n in range(8)}
    until("four are in flight", lambda: sink.count("/crm") == 4)
    disk.leave(63 * MIB)
    until("it is noticed", lambda: gateway.admin("GET", "/v1/status")["disk_low"])
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    connection.request("POST", "/in/internal", body='{"id":"late","type":"donation.created"}', headers={"Content-Type": "application/json"})
    reply = connection.getresponse()
    equal(reply.status, 503, f"refused: {reply.read()}")
    check(int(reply.headers["Retry-After"]) > 0, "and told when to come again")
    gateway.wait_all("completed", 4)
    check("disk" in gateway.cli("status").lower(), "status says so")
    equal((sink.count("/crm"), gateway.target("crm")["in_flight"]), (4, 0), "outcomes are kept, nothing new was begun")
    sink.behave("/crm")
    disk.leave(120 * MIB)
    until("there is room", lambda: gateway.post("internal", donation(8))[0] == 202)
    gateway.wait_all("completed", 9)
    equal(sink.count("/crm"), 9, "each was sent once")
    equal(gateway.process.poll(), None, "without a restart")
    all_there(gateway, sagas)


def room_of_the_log_counts(place):
    """What the write-ahead log has taken and nobody needs is room: it is given back before anybody is refused for long."""
    disk = SmallDisk(place, 128)
    sink = place.sink()
    gateway = on_disk(place, sink, disk, reserve="16MiB")
    senders = LargeEvents(gateway)
    until("the log has grown", lambda: log_bytes(gateway, disk) > 6 * MIB, 60)
    sagas = senders.stop()
    gateway.wait_all("completed", len(sagas))
    disk.leave(15 * MIB)  # up to 4 MiB of the log may still have to go to the database, which grows by it
    until("it is noticed", lambda: "event=disk_low" in gateway.log())
    until("accepting again", lambda: gateway.post("internal", donation(5000))[0] == 202)
    check(log_bytes(gateway, disk) < 6 * MIB, "the log was given back")
    all_there(gateway, sagas)


def filled_by_its_own_events(place):
    """A flood of large events stops short of the end of the disk: 503, alive, and everything acknowledged is delivered."""
    disk = SmallDisk(place, 64)
    sink = place.sink()
    gateway = on_disk(place, sink, disk, reserve="16MiB")
    senders = Acknowledged(gateway, padding=60000)
    until("the reserve is reached", lambda: 503 in senders.refused, 60)
    sagas = senders.stop()
    equal(set(senders.refused), {503}, "refused, never broken off")
    check(disk.free() > 4 * MIB, f"the reserve is a reserve: {disk.free()} bytes are left")
    until("what was in flight is recorded", lambda: gateway.target("crm")["in_flight"] == 0)
    gateway.stop()
    gateway.start()  # also with little room
    all_there(gateway, sagas)


def full_to_the_last_byte(place):
    """Somebody else takes the reserve too: it refuses, or stops rather than guess when a commit finds no room. Room brings all of it back."""
    disk = SmallDisk(place, 64)
    sink = place.sink()
    gateway = on_disk(place, sink, disk, reserve="1MiB")
    sink.behave("/crm", {"status": 200, "delay_ms": 50})
    senders = Acknowledged(gateway)
    until("under load", lambda: len(senders.sagas) > 50)
    disk.fill()
    until("it refuses or ends", lambda: 503 in senders.refused or gateway.process.poll() is not None, 60)
    sagas = senders.stop()
    disk.leave(40 * MIB)

    def ended_or_has_room():
        try:
            return gateway.process.poll() is not None or not gateway.admin("GET", "/v1/status")["disk_low"]
        except (OSError, http.client.HTTPException):
            return False  # it is ending
    until("it ends, or finds room again", ended_or_has_room)
    if gateway.process.poll() is not None:
        ended_by_the_disk(gateway)
        gateway.start()
    all_there(gateway, sagas)
    gateway.wait_all("completed", len(sagas))


# ---- failing

def ended_by_the_disk(gateway):
    gateway.process.wait(timeout=60 * SLOW)
    equal(gateway.process.returncode, 1, "it ends by itself, and not well")
    check("event=store_failed" in gateway.log(), gateway.log()[-2000:])


def failing(place, operations, suffix, after=0):
    """Under load, the disk begins to fail: no 2xx after it, the end, and a clean start with all that was acknowledged."""
    sink = place.sink()
    shim = Shim(place.folder / "shim")
    gateway = on_disk(place, sink, reserve="1MiB", env=shim.env())
    senders = Acknowledged(gateway, threads=8, padding=2000)
    until("under load", lambda: len(senders.sagas) > 100 and sink.count("/crm") > 50)
    shim.fail(operations, suffix, after=after)
    until("the disk fails", lambda: shim.failed > 0, 60)
    known = len(senders.sagas)
    ended_by_the_disk(gateway)
    sagas = senders.stop()
    check(len(sagas) <= known + len(senders.threads), f"acknowledged after the failure: {len(sagas) - known}")
    equal(shim.failed, 1, "nothing was written after the first failure")
    shim.mend()
    gateway.start()
    all_there(gateway, sagas)
    gateway.wait_all("completed", len(sagas))


def failed_sync(place):
    failing(place, SYNCS, "-wal", after=3)


def failed_write(place):
    failing(place, WRITES, "-wal", after=20)


def failed_sync_of_a_checkpoint(place):
    failing(place, SYNCS, ".db")


def failed_write_of_a_checkpoint(place):
    failing(place, WRITES, ".db", after=5)


def known_outcomes_are_told(place):
    """What targets answered and the disk did not take is on stderr by id; the keyed step is repeated under its key, the unsafe one asked about."""
    sink = place.sink()
    shim = Shim(place.folder / "shim")
    gateway = place.gateway({"sources": INTERNAL, "routes": route("crm", "once"),
                             "targets": {"crm": http_target(sink.url("/crm")), "once": http_target(sink.url("/once"), repeat="unsafe")}},
                            shim.env())
    for path in ("/crm", "/once"):
        sink.behave(path, {"status": 200, "delay_ms": int(1000 * SLOW)})
    sagas = {n: gateway.accepted("internal", donation(n, donor=f"d{n}@example.org")) for n in range(2)}
    until("all are in flight", lambda: (sink.count("/crm"), sink.count("/once")) == (2, 2))
    shim.fail(WRITES, "-wal")
    ended_by_the_disk(gateway)
    told = re.findall(r"outcome not on disk: saga (\d+), step (\d), do, generation 1, attempt 1: ok", gateway.log())
    check(told, f"outcomes are told: {gateway.log()[-2000:]}")
    check({int(saga) for saga, _ in told} <= set(sagas.values()), f"by their ids: {told}")
    shim.mend()
    sink.behave("/crm")
    gateway.start()
    all_there(gateway, sagas)
    for saga in sagas.values():
        crm, once = gateway.wait_saga(saga, "attention")["steps"]
        equal((once["state"], once["reason"]), ("attention", "in_doubt"), "what may have happened and cannot be repeated")
        until("repeated", lambda number=saga: gateway.saga(number)["steps"][0]["state"] == "succeeded")
        check(crm["key"] in {e["key"] for e in sink.entries("/crm")}, "under its key")
    equal((len({e["key"] for e in sink.entries("/crm")}), sink.count("/once")), (2, 2), "two gifts, and no second send of the unsafe")


def start_on_a_failing_disk(place):
    """Nothing is acknowledged by a daemon whose first sync fails: it says so and does not listen."""
    sink = place.sink()
    shim = Shim(place.folder / "shim")
    gateway = on_disk(place, sink, reserve="1MiB", env=shim.env())
    sagas = {n: gateway.accepted("internal", donation(n, donor=f"d{n}@example.org")) for n in range(20)}
    gateway.kill()  # its write-ahead log is left
    shim.fail(SYNCS, ".db")
    gateway.start(wait=False)
    equal(gateway.process.wait(timeout=60 * SLOW), 1, "refused")
    check("almoner.db" in gateway.log() and "event=serving" not in gateway.log().rsplit("almoner: ", 1)[-1], gateway.log()[-1000:])
    shim.mend()
    gateway.start()
    all_there(gateway, sagas)


def file_size_limit(place):
    """`ulimit -f` is a full disk, not a death without a word."""
    sink = place.sink()
    gateway = on_disk(place, sink, reserve="1MiB")
    gateway.stop()
    gateway.start(before_exec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000000, 2000000)))
    senders = Acknowledged(gateway, threads=8, padding=20000)
    ended_by_the_disk(gateway)
    sagas = senders.stop()
    check(len(sagas) > 10, f"it was under load: {len(sagas)}")
    gateway.start()
    all_there(gateway, sagas)
    gateway.wait_all("completed", len(sagas))


def lost_log(place):
    """Without its write-ahead log the store is whole, but older than what senders were told: no start as if nothing were missing."""
    sink = place.sink()
    gateway = on_disk(place, sink)
    sagas = {n: gateway.accepted("internal", donation(n, donor=f"d{n}@example.org")) for n in range(20)}
    gateway.kill()
    log = gateway.folder / "almoner.db-wal"
    whole = log.read_bytes()
    for cut in (b"", whole[:len(whole) // 2]):
        log.write_bytes(cut)
        gateway.start(wait=False)
        equal(gateway.process.wait(timeout=20 * SLOW), 1, "exit code without the log")
        check("acknowledged: the file -wal beside the store" in gateway.log(), f"says what is wrong: {gateway.log()[-500:]}")
    log.write_bytes(whole)
    gateway.start()
    all_there(gateway, sagas)
    gateway.kill()
    log.unlink()
    (gateway.folder / "almoner.db.sending").unlink()
    gateway.start()  # somebody has decided to go on without
    gateway.cli("verify")


# ---- held up

def moved_away(place):
    """The store's file, or its log, is renamed or replaced under the daemon: 503 within a second, said, and it goes on when it is back."""
    sink = place.sink()
    gateway = on_disk(place, sink)
    sagas = {}
    for number, name in enumerate(("almoner.db", "almoner.db-wal")):
        path, away = gateway.folder / name, gateway.folder / "away"
        sagas[number] = gateway.accepted("internal", donation(number, donor=f"d{number}@example.org"))
        path.rename(away)
        refused = until("it is noticed", lambda: gateway.post("internal", {"id": "nobody", "type": "ping"})[0] == 503)
        check(refused and gateway.admin("GET", "/v1/status")["store_gone"], "status says so")
        until("an alert is raised", lambda: "store_gone" in {a["name"] for a in gateway.admin("GET", "/v1/status")["alerts"]})
        path.write_bytes(b"")
        until("another file is not it", lambda: gateway.post("internal", {"id": "nobody", "type": "ping"})[0] == 503)
        away.rename(path)
        until("it goes on", lambda n=number: gateway.post("internal", {"id": f"after-{n}", "type": "ping"})[0] == 202)
        check("event=store_gone" in gateway.log() and "event=disk_enough" in gateway.log(), "the log says both")
    gateway.stop()
    gateway.start()
    all_there(gateway, sagas)


def stalled_clients_hold_up_nothing(place):
    """Clients that ask for everything and read nothing: the write-ahead log begins again all the same."""
    sink = place.sink()
    gateway = on_disk(place, sink, reserve="1MiB")
    for n in range(300):
        gateway.accepted("internal", donation(n, donor=f"d{n}@example.org"))
    stalled = []
    for path in ("/v1/log", "/v1/sagas?limit=100000", "/v1/backlog"):
        connection = UnixConnection(gateway.socket_path)
        connection.connect()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        equal(connection.sock.recv(12), b"HTTP/1.1 200", f"{path} is under way")
        stalled.append(connection)
    senders = LargeEvents(gateway)
    senders.next = 1000
    until("200 MiB went through it", lambda: os.stat(gateway.folder / "almoner.db").st_size > 200 * MIB, 120)
    check(log_bytes(gateway) < 100 * MIB, f"the write-ahead log has {log_bytes(gateway) // MIB} MiB")
    sagas = senders.stop()
    for connection in stalled:
        connection.close()
    all_there(gateway, sagas)


def a_reader_outside_is_named(place):
    """Somebody else's long transaction on the file: said, 503 when it has eaten the room, and everything as before once it ends."""
    disk = SmallDisk(place, 256)
    sink = place.sink()
    gateway = on_disk(place, sink, disk, reserve="64MiB")
    sagas = {n: gateway.accepted("internal", donation(n, donor=f"d{n}@example.org")) for n in range(20)}
    outside = sqlite3.connect(f"file:{disk.path}/almoner.db?mode=ro", uri=True, isolation_level=None)
    place.ending.append(outside.close)
    outside.execute("BEGIN")
    equal(outside.execute("SELECT count(*) > 0 FROM saga").fetchone(), (1,), "it reads")
    senders = LargeEvents(gateway)
    senders.next = 1000
    until("it is said", lambda: "event=store_held_up" in gateway.log(), 60)
    until("an alert is raised", lambda: "store_held_up" in {a["name"] for a in gateway.admin("GET", "/v1/status")["alerts"]})
    until("the room is gone", lambda: 503 in senders.refused, 60)
    sagas.update(senders.stop())
    check(gateway.admin("GET", "/v1/status")["disk_low"], "and status says so")
    check(disk.free() > 40 * MIB, f"the reserve is kept: {disk.free() // MIB} MiB are left")
    outside.close()
    until("accepting again", lambda: gateway.post("internal", donation(900))[0] == 202, 60)
    check("event=store_let_go" in gateway.log(), "said as well")
    equal(gateway.process.poll(), None, "without a restart")
    all_there(gateway, sagas)


# ---- time

DAY = 86400


def clock_steps(place):
    """The wall clock jumps by a day and by more than the giving up: nothing is retried early, nothing late, nothing given up."""
    sink = place.sink()
    shim = Shim(place.folder / "shim")
    gateway = place.gateway({"sources": INTERNAL, "targets": {
        "slow": http_target(sink.url("/slow"), retry={"first": "600s", "cap": "1h"}),
        "soon": http_target(sink.url("/soon"), retry={"first": "500ms", "cap": "1s"}),
        "well": http_target(sink.url("/well"))}, "routes": route("slow", "soon", "well")}, shim.env())
    for path in ("/slow", "/soon"):
        sink.behave(path, {"status": 503})
    sagas, number = [], 0
    for step in (DAY, 4 * DAY, 0, -DAY, -4 * DAY):
        shim.step_clock(step)
        for _ in range(10):
            sagas.append(gateway.accepted("internal", donation(number, donor=f"d{number}@example.org")))
            number += 1
        until("it goes on", lambda n=number: sink.count("/well") == n and sink.count("/slow") == n)
        before = sink.count("/soon")
        until("short waits end in time", lambda n=before + 2 * len(sagas): sink.count("/soon") >= n, 10)
    equal(sink.count("/slow"), number, "no long wait ended early")
    equal(gateway.sagas("--state", "attention"), [], "nothing was given up")
    for path in ("/slow", "/soon"):
        sink.behave(path)
    until("soon is done", lambda: gateway.target("soon")["succeeded"] == number)
    equal(sink.count("/slow"), number, "still not early")


def clock_steps_while_stopped(place):
    """Four days later by the clock, or a day before: a restart retries within the longest wait, and gives nothing up."""
    sink = place.sink()
    shim = Shim(place.folder / "shim")
    # A keyed step whose key may have lapsed meanwhile goes to a person: rightly, for the clock is all there is to judge by.
    gateway = on_disk(place, sink, reserve="1MiB", env=shim.env(), repeat="idempotent", retry={"first": "1s", "cap": "3s"})
    sink.behave("/crm", {"status": 503})
    sagas = [gateway.accepted("internal", donation(n, donor=f"d{n}@example.org")) for n in range(20)]
    for step in (4 * DAY, -DAY):
        until("all were tried", lambda: sink.count("/crm") >= 20)
        gateway.stop()
        shim.step_clock(step)
        sink.call("DELETE", "/crm")
        gateway.start()
        until("all are tried again", lambda: len({e["key"] for e in sink.entries("/crm")}) == 20, 20)
        equal(gateway.sagas("--state", "attention"), [], "nothing is given up")
    sink.behave("/crm")
    gateway.wait_all("completed", len(sagas))
    equal(sink.stats("/crm")["duplicates"], 0, "once each")


def stopped_and_continued(place):
    """SIGSTOP for longer than the timeouts: answers that came meanwhile are taken, nothing is sent twice, doubted or given up."""
    sink = place.sink()
    gateway = place.gateway({"sources": INTERNAL, "routes": route("crm", "once", "down"), "targets": {
        "crm": http_target(sink.url("/crm"), limits={"timeout": "2s"}),
        "once": http_target(sink.url("/once"), repeat="unsafe", limits={"timeout": "2s"}),
        "down": http_target(sink.url("/down"), retry={"first": "600s", "cap": "1h"})}})
    sink.behave("/down", {"status": 503})
    for path in ("/crm", "/once"):
        sink.behave(path, {"status": 200, "delay_ms": 800})
    sagas = [gateway.accepted("internal", donation(n, donor=f"d{n}@example.org")) for n in range(8)]
    until("some are in flight", lambda: sink.count("/crm") > 0 and sink.count("/once") > 0 and sink.count("/down") == 8)
    gateway.process.send_signal(signal.SIGSTOP)
    threading.Event().wait(4)  # the time itself is what is tested
    gateway.process.send_signal(signal.SIGCONT)
    until("all arrive", lambda: (gateway.target("crm")["succeeded"], gateway.target("once")["succeeded"]) == (len(sagas),) * 2)
    equal((sink.count("/crm"), sink.count("/once")), (len(sagas),) * 2, "each was sent once")
    equal(sink.count("/down"), len(sagas), "no long wait ended early")
    equal(gateway.sagas("--state", "attention"), [], "nothing is doubted or given up")


if __name__ == "__main__":
    sys.exit(main([below_the_reserve, room_of_the_log_counts, filled_by_its_own_events, full_to_the_last_byte, failed_sync, failed_write,
                   failed_sync_of_a_checkpoint, failed_write_of_a_checkpoint, known_outcomes_are_told, start_on_a_failing_disk, file_size_limit, lost_log,
                   moved_away, stalled_clients_hold_up_nothing, a_reader_outside_is_named,
                   clock_steps, clock_steps_while_stopped, stopped_and_continued]))
