#!/usr/bin/env python3
"""The disk fills, fails or is held up, and the clock jumps: what was acknowledged is there, and nothing is hurried."""
import base64
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

from harness import INTERNAL, SLOW, SkippedScenario, UnixConnection, check, donation, equal, http_target, main, route, wait_until
from shim import SYNCS, WRITES, Shim

MIB = 1 << 20


class SmallDisk:
    """A file system of its own, which can really be full, and a ballast file that leaves as much free space as a scenario needs."""

    def __init__(self, fixture, mib):
        self.path = fixture.folder / "disk"
        self.path.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "almoner-test", str(self.path)], capture_output=True, text=True,
                              check=False) if os.geteuid() == 0 else None
        if done is None or done.returncode != 0:
            raise SkippedScenario(f"a small file system cannot be mounted here ({done.stderr.strip() if done else 'not root'})")
        fixture.ending.append(lambda: subprocess.run(["umount", "--lazy", str(self.path)], check=True))
        self.ballast = self.path / "ballast"

    def free(self):
        disk = os.statvfs(self.path)
        return disk.f_bavail * disk.f_frsize

    def leave_free(self, free_bytes):
        with open(self.ballast, "ab") as file:
            size = file.tell() + self.free() - free_bytes
            if size < file.tell():
                file.truncate(max(0, size))
            else:
                os.posix_fallocate(file.fileno(), file.tell(), size - file.tell())

    def fill(self):
        """Uses up all free space, also while the daemon writes."""
        with open(self.ballast, "ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(MIB if self.free() > 2 * MIB else 4096))
            except OSError as full:
                equal(full.errno, errno.ENOSPC, "full")


def on_disk(fixture, sink, disk=None, reserve="64MiB", env=None, **more):
    store = {"url": f"sqlite:{disk.path}/almoner.db" if disk else "sqlite:almoner.db", "reserve": reserve}
    return fixture.gateway({"sources": INTERNAL, "store": store, "targets": {"crm": http_target(sink.url("/crm"), **more)},
                          "routes": route("crm")}, env)


def incompressible(size):
    """Text of `size` characters that takes its size on the disk: the store compresses events."""
    return base64.b64encode(os.urandom(size))[:size].decode()


class AcknowledgedSender:
    """Senders that post until `stop` is called or the gateway has ended; they keep what was acknowledged."""

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
                status, reply = self.gateway.post("internal", donation(number, donor=f"d{number}@example.org", note=incompressible(self.padding)))
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


class LargeEventSender(AcknowledgedSender):
    """Each event takes much of a write-ahead log."""

    def __init__(self, gateway):
        super().__init__(gateway, threads=3, padding=200000)


def log_bytes(gateway, disk=None):
    return os.stat(f"{disk.path if disk else gateway.folder}/almoner.db-wal").st_size


def all_events_present(gateway, sagas):
    """Each acknowledged event has the saga of its acknowledgement, and the log verifies."""
    known = {s["id"]: s["event_id"] for s in gateway.sagas()}
    for number, saga in sagas.items():
        equal(known.get(saga), f"ev-{number}", f"the saga of the acknowledged ev-{number}")
    gateway.cli("verify")


# ---- full

def below_the_reserve(fixture):
    """Below the default reserve the answer is 503, outcomes of attempts in flight are still recorded, and no attempt starts; with free space again everything continues."""
    disk = SmallDisk(fixture, 128)
    sink = fixture.sink()
    sink.set_behaviour("/crm", {"status": 200, "delay_ms": int(1500 * SLOW)})
    gateway = fixture.gateway({"sources": INTERNAL, "store": {"url": f"sqlite:{disk.path}/almoner.db"}, "routes": route("crm"),
                             "targets": {"crm": http_target(sink.url("/crm"), limits={"in_flight": 4})}})
    sagas = {n: gateway.accepted("internal", donation(n, donor=f"d{n}@example.org")) for n in range(8)}
    wait_until("four are in flight", lambda: sink.count("/crm") == 4)
    disk.leave_free(63 * MIB)
    wait_until("it is noticed", lambda: gateway.admin("GET", "/v1/status")["disk_low"])
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    connection.request("POST", "/in/internal", body='{"id":"late","type":"donation.created"}', headers={"Content-Type": "application/json"})
    reply = connection.getresponse()
    equal(reply.status, 503, f"refused: {reply.read()}")
    check(int(reply.headers["Retry-After"]) > 0, "with the time of the next try")
    gateway.wait_all("completed", 4)
    check("disk" in gateway.cli("status").lower(), "status says so")
    equal((sink.count("/crm"), gateway.target("crm")["in_flight"]), (4, 0), "outcomes are kept, nothing new was begun")
    sink.set_behaviour("/crm")
    disk.leave_free(120 * MIB)
    wait_until("there is free space", lambda: gateway.post("internal", donation(8))[0] == 202)
    gateway.wait_all("completed", 9)
    equal(sink.count("/crm"), 9, "each was sent once")
    equal(gateway.process.poll(), None, "without a restart")
    all_events_present(gateway, sagas)


def wal_space_is_counted(fixture):
    """Space of the write-ahead log that is not needed any more counts as free: it is returned to the disk before events are refused for long."""
    disk = SmallDisk(fixture, 128)
    sink = fixture.sink()
    gateway = on_disk(fixture, sink, disk, reserve="16MiB")
    senders = LargeEventSender(gateway)
    wait_until("the log has grown", lambda: log_bytes(gateway, disk) > 6 * MIB, 60)
    sagas = senders.stop()
    gateway.wait_all("completed", len(sagas))
    disk.leave_free(15 * MIB)  # up to 4 MiB of the log may still have to go to the database, which grows by it
    wait_until("it is noticed", lambda: "event=disk_low" in gateway.log())
    wait_until("accepting again", lambda: gateway.post("internal", donation(5000))[0] == 202)
    check(log_bytes(gateway, disk) < 6 * MIB, "the log was given back")
    all_events_present(gateway, sagas)


def filled_by_its_own_events(fixture):
    """A flood of large events stops short of the end of the disk: 503, alive, and everything acknowledged is delivered."""
    disk = SmallDisk(fixture, 64)
    sink = fixture.sink()
    gateway = on_disk(fixture, sink, disk, reserve="16MiB")
    senders = AcknowledgedSender(gateway, padding=60000)
    wait_until("the reserve is reached", lambda: 503 in senders.refused, 60)
    sagas = senders.stop()
    equal(set(senders.refused), {503}, "refused, never broken off")
    check(disk.free() > 4 * MIB, f"the reserve is a reserve: {disk.free()} bytes are left")
    wait_until("what was in flight is recorded", lambda: gateway.target("crm")["in_flight"] == 0)
    gateway.stop()
    gateway.start()  # also with little free space
    all_events_present(gateway, sagas)


def full_to_the_last_byte(fixture):
    """Another program uses up the reserve as well: the daemon refuses events, or ends when a commit finds no free space. With free space everything acknowledged is there."""
    disk = SmallDisk(fixture, 64)
    sink = fixture.sink()
    gateway = on_disk(fixture, sink, disk, reserve="1MiB")
    sink.set_behaviour("/crm", {"status": 200, "delay_ms": 50})
    senders = AcknowledgedSender(gateway)
    wait_until("under load", lambda: len(senders.sagas) > 50)
    disk.fill()
    wait_until("it refuses or ends", lambda: 503 in senders.refused or gateway.process.poll() is not None, 60)
    sagas = senders.stop()
    disk.leave_free(40 * MIB)

    def exited_or_has_free_space():
        try:
            return gateway.process.poll() is not None or not gateway.admin("GET", "/v1/status")["disk_low"]
        except (OSError, http.client.HTTPException):
            return False  # it is ending
    wait_until("it ends, or has free space again", exited_or_has_free_space)
    if gateway.process.poll() is not None:
        ended_by_the_disk(gateway)
        gateway.start()
    all_events_present(gateway, sagas)
    gateway.wait_all("completed", len(sagas))


# ---- failing

def ended_by_the_disk(gateway):
    gateway.process.wait(timeout=60 * SLOW)
    equal(gateway.process.returncode, 1, "it ends by itself, and not well")
    check("event=store_failed" in gateway.log(), gateway.log()[-2000:])


def failing_disk(fixture, operations, suffix, after=0):
    """Under load, the disk begins to fail: no 2xx after it, the end, and a clean start with all that was acknowledged."""
    sink = fixture.sink()
    shim = Shim(fixture.folder / "shim")
    gateway = on_disk(fixture, sink, reserve="1MiB", env=shim.env())
    senders = AcknowledgedSender(gateway, threads=8, padding=2000)
    wait_until("under load", lambda: len(senders.sagas) > 100 and sink.count("/crm") > 50)
    shim.inject_fault(operations, suffix, after=after)
    wait_until("the disk fails", lambda: shim.failed > 0, 60)
    known = len(senders.sagas)
    ended_by_the_disk(gateway)
    sagas = senders.stop()
    check(len(sagas) <= known + len(senders.threads), f"acknowledged after the failure: {len(sagas) - known}")
    equal(shim.failed, 1, "nothing was written after the first failure")
    shim.clear_fault()
    gateway.start()
    all_events_present(gateway, sagas)
    gateway.wait_all("completed", len(sagas))


def failed_sync(fixture):
    failing_disk(fixture, SYNCS, "-wal", after=3)


def failed_write(fixture):
    failing_disk(fixture, WRITES, "-wal", after=20)


def failed_sync_of_a_checkpoint(fixture):
    failing_disk(fixture, SYNCS, ".db")


def failed_write_of_a_checkpoint(fixture):
    failing_disk(fixture, WRITES, ".db", after=5)


def known_outcomes_are_recorded(fixture):
    """Outcomes that could not be written are on stderr with their ids; after the restart the keyed step is repeated under its key, and the unsafe one waits for an operator."""
    sink = fixture.sink()
    shim = Shim(fixture.folder / "shim")
    gateway = fixture.gateway({"sources": INTERNAL, "routes": route("crm", "once"),
                             "targets": {"crm": http_target(sink.url("/crm")), "once": http_target(sink.url("/once"), repeat="unsafe")}},
                            shim.env())
    for path in ("/crm", "/once"):
        sink.set_behaviour(path, {"status": 200, "delay_ms": int(1000 * SLOW)})
    sagas = {n: gateway.accepted("internal", donation(n, donor=f"d{n}@example.org")) for n in range(2)}
    wait_until("all are in flight", lambda: (sink.count("/crm"), sink.count("/once")) == (2, 2))
    shim.inject_fault(WRITES, "-wal")
    ended_by_the_disk(gateway)
    printed = re.findall(r"outcome not on disk: saga (\d+), step (\d), do, generation 1, attempt 1: ok", gateway.log())
    check(printed, f"outcomes are on stderr: {gateway.log()[-2000:]}")
    check({int(saga) for saga, _ in printed} <= set(sagas.values()), f"by their ids: {printed}")
    shim.clear_fault()
    sink.set_behaviour("/crm")
    gateway.start()
    all_events_present(gateway, sagas)
    for saga in sagas.values():
        crm, once = gateway.wait_saga(saga, "attention")["steps"]
        equal((once["state"], once["reason"]), ("attention", "in_doubt"), "what may have happened and cannot be repeated")
        wait_until("repeated", lambda number=saga: gateway.saga(number)["steps"][0]["state"] == "succeeded")
        check(crm["key"] in {e["key"] for e in sink.entries("/crm")}, "under its key")
    equal((len({e["key"] for e in sink.entries("/crm")}), sink.count("/once")), (2, 2), "two gifts, and no second send of the unsafe")


def start_on_a_failing_disk(fixture):
    """Nothing is acknowledged by a daemon whose first sync fails: it says so and does not listen."""
    sink = fixture.sink()
    shim = Shim(fixture.folder / "shim")
    gateway = on_disk(fixture, sink, reserve="1MiB", env=shim.env())
    sagas = {n: gateway.accepted("internal", donation(n, donor=f"d{n}@example.org")) for n in range(20)}
    gateway.kill()  # its write-ahead log is left
    shim.inject_fault(SYNCS, ".db")
    gateway.start(wait=False)
    equal(gateway.process.wait(timeout=60 * SLOW), 1, "refused")
    check("almoner.db" in gateway.log() and "event=serving" not in gateway.log().rsplit("almoner: ", 1)[-1], gateway.log()[-1000:])
    shim.clear_fault()
    gateway.start()
    all_events_present(gateway, sagas)


def file_size_limit(fixture):
    """`ulimit -f` counts as a full disk: the daemon reports it and ends in order."""
    sink = fixture.sink()
    gateway = on_disk(fixture, sink, reserve="1MiB")
    gateway.stop()
    gateway.start(before_exec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000000, 2000000)))
    senders = AcknowledgedSender(gateway, threads=8, padding=20000)
    ended_by_the_disk(gateway)
    sagas = senders.stop()
    check(len(sagas) > 10, f"it was under load: {len(sagas)}")
    gateway.start()
    all_events_present(gateway, sagas)
    gateway.wait_all("completed", len(sagas))


def lost_log(fixture):
    """Without its write-ahead log the store is readable, but older than the last acknowledgement: the daemon refuses to start."""
    sink = fixture.sink()
    gateway = on_disk(fixture, sink)
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
    all_events_present(gateway, sagas)
    gateway.kill()
    log.unlink()
    (gateway.folder / "almoner.db.sending").unlink()
    gateway.start()  # an operator has decided to continue without the lost commits
    gateway.cli("verify")


# ---- held up

def store_moved(fixture):
    """The store's file or its write-ahead log is renamed or replaced while the daemon runs: it reports this, answers 503 within a second, and continues when the file is back."""
    sink = fixture.sink()
    gateway = on_disk(fixture, sink)
    sagas = {}
    for number, name in enumerate(("almoner.db", "almoner.db-wal")):
        path, away = gateway.folder / name, gateway.folder / "away"
        sagas[number] = gateway.accepted("internal", donation(number, donor=f"d{number}@example.org"))
        path.rename(away)
        refused = wait_until("it is noticed", lambda: gateway.post("internal", {"id": "nobody", "type": "ping"})[0] == 503)
        check(refused and gateway.admin("GET", "/v1/status")["store_gone"], "status says so")
        wait_until("an alert is raised", lambda: "store_gone" in {a["name"] for a in gateway.admin("GET", "/v1/status")["alerts"]})
        path.write_bytes(b"")
        wait_until("another file is not it", lambda: gateway.post("internal", {"id": "nobody", "type": "ping"})[0] == 503)
        away.rename(path)
        wait_until("it goes on", lambda n=number: gateway.post("internal", {"id": f"after-{n}", "type": "ping"})[0] == 202)
        check("event=store_gone" in gateway.log() and "event=disk_enough" in gateway.log(), "the log says both")
    gateway.stop()
    gateway.start()
    all_events_present(gateway, sagas)


def stalled_clients_do_not_delay(fixture):
    """Clients that ask for everything and read nothing: the write-ahead log begins again all the same."""
    sink = fixture.sink()
    gateway = on_disk(fixture, sink, reserve="1MiB")
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
    senders = LargeEventSender(gateway)
    senders.next = 1000
    wait_until("200 MiB went through it", lambda: os.stat(gateway.folder / "almoner.db").st_size > 200 * MIB, 120)
    check(log_bytes(gateway) < 100 * MIB, f"the write-ahead log has {log_bytes(gateway) // MIB} MiB")
    sagas = senders.stop()
    for connection in stalled:
        connection.close()
    all_events_present(gateway, sagas)


def outside_reader_is_reported(fixture):
    """Another program reads the store in one long transaction: the daemon reports it, answers 503 once the free space is used up, and continues when the transaction ends."""
    disk = SmallDisk(fixture, 256)
    sink = fixture.sink()
    gateway = on_disk(fixture, sink, disk, reserve="64MiB")
    sagas = {n: gateway.accepted("internal", donation(n, donor=f"d{n}@example.org")) for n in range(20)}
    outside = sqlite3.connect(f"file:{disk.path}/almoner.db?mode=ro", uri=True, isolation_level=None)
    fixture.ending.append(outside.close)
    outside.execute("BEGIN")
    equal(outside.execute("SELECT count(*) > 0 FROM saga").fetchone(), (1,), "it reads")
    senders = LargeEventSender(gateway)
    senders.next = 1000
    wait_until("it is said", lambda: "event=store_held_up" in gateway.log(), 60)
    wait_until("an alert is raised", lambda: "store_held_up" in {a["name"] for a in gateway.admin("GET", "/v1/status")["alerts"]})
    wait_until("the free space is used up", lambda: 503 in senders.refused, 60)
    sagas.update(senders.stop())
    check(gateway.admin("GET", "/v1/status")["disk_low"], "and status says so")
    check(disk.free() > 40 * MIB, f"the reserve is kept: {disk.free() // MIB} MiB are left")
    outside.close()
    wait_until("accepting again", lambda: gateway.post("internal", donation(900))[0] == 202, 60)
    check("event=store_let_go" in gateway.log(), "said as well")
    equal(gateway.process.poll(), None, "without a restart")
    all_events_present(gateway, sagas)


# ---- time

DAY = 86400


def clock_steps(fixture):
    """The wall clock jumps by a day and by more than the giving up: nothing is retried early, nothing late, nothing given up."""
    sink = fixture.sink()
    shim = Shim(fixture.folder / "shim")
    gateway = fixture.gateway({"sources": INTERNAL, "targets": {
        "slow": http_target(sink.url("/slow"), retry={"first": "600s", "cap": "1h"}),
        "soon": http_target(sink.url("/soon"), retry={"first": "500ms", "cap": "1s"}),
        "well": http_target(sink.url("/well"))}, "routes": route("slow", "soon", "well")}, shim.env())
    for path in ("/slow", "/soon"):
        sink.set_behaviour(path, {"status": 503})
    sagas, number = [], 0
    for step in (DAY, 4 * DAY, 0, -DAY, -4 * DAY):
        shim.step_clock(step)
        for _ in range(10):
            sagas.append(gateway.accepted("internal", donation(number, donor=f"d{number}@example.org")))
            number += 1
        wait_until("it goes on", lambda n=number: sink.count("/well") == n and sink.count("/slow") == n)
        before = sink.count("/soon")
        wait_until("short waits end in time", lambda n=before + 2 * len(sagas): sink.count("/soon") >= n, 10)
    equal(sink.count("/slow"), number, "no long wait ended early")
    equal(gateway.sagas("--state", "attention"), [], "nothing was given up")
    for path in ("/slow", "/soon"):
        sink.set_behaviour(path)
    wait_until("soon is done", lambda: gateway.target("soon")["succeeded"] == number)
    equal(sink.count("/slow"), number, "still not early")


def clock_steps_while_stopped(fixture):
    """Four days later by the clock, or a day before: a restart retries within the longest wait, and gives nothing up."""
    sink = fixture.sink()
    shim = Shim(fixture.folder / "shim")
    # A keyed step whose key may have lapsed meanwhile goes to a person: rightly, for the clock is all there is to judge by.
    gateway = on_disk(fixture, sink, reserve="1MiB", env=shim.env(), repeat="idempotent", retry={"first": "1s", "cap": "3s"})
    sink.set_behaviour("/crm", {"status": 503})
    sagas = [gateway.accepted("internal", donation(n, donor=f"d{n}@example.org")) for n in range(20)]
    for step in (4 * DAY, -DAY):
        wait_until("all were tried", lambda: sink.count("/crm") >= 20)
        gateway.stop()
        shim.step_clock(step)
        sink.call("DELETE", "/crm")
        gateway.start()
        wait_until("all are tried again", lambda: len({e["key"] for e in sink.entries("/crm")}) == 20, 20)
        equal(gateway.sagas("--state", "attention"), [], "nothing is given up")
    sink.set_behaviour("/crm")
    gateway.wait_all("completed", len(sagas))
    equal(sink.stats("/crm")["duplicates"], 0, "once each")


def stopped_and_continued(fixture):
    """SIGSTOP for longer than the timeouts: answers that came meanwhile are taken, nothing is sent twice, doubted or given up."""
    sink = fixture.sink()
    gateway = fixture.gateway({"sources": INTERNAL, "routes": route("crm", "once", "down"), "targets": {
        "crm": http_target(sink.url("/crm"), limits={"timeout": "2s"}),
        "once": http_target(sink.url("/once"), repeat="unsafe", limits={"timeout": "2s"}),
        "down": http_target(sink.url("/down"), retry={"first": "600s", "cap": "1h"})}})
    sink.set_behaviour("/down", {"status": 503})
    for path in ("/crm", "/once"):
        sink.set_behaviour(path, {"status": 200, "delay_ms": 800})
    sagas = [gateway.accepted("internal", donation(n, donor=f"d{n}@example.org")) for n in range(8)]
    wait_until("some are in flight", lambda: sink.count("/crm") > 0 and sink.count("/once") > 0 and sink.count("/down") == 8)
    gateway.process.send_signal(signal.SIGSTOP)
    threading.Event().wait(4)  # the time itself is what is tested
    gateway.process.send_signal(signal.SIGCONT)
    wait_until("all arrive", lambda: (gateway.target("crm")["succeeded"], gateway.target("once")["succeeded"]) == (len(sagas),) * 2)
    equal((sink.count("/crm"), sink.count("/once")), (len(sagas),) * 2, "each was sent once")
    equal(sink.count("/down"), len(sagas), "no long wait ended early")
    equal(gateway.sagas("--state", "attention"), [], "nothing is doubted or given up")


if __name__ == "__main__":
    sys.exit(main([below_the_reserve, wal_space_is_counted, filled_by_its_own_events, full_to_the_last_byte, failed_sync, failed_write,
                   failed_sync_of_a_checkpoint, failed_write_of_a_checkpoint, known_outcomes_are_recorded, start_on_a_failing_disk, file_size_limit, lost_log,
                   store_moved, stalled_clients_do_not_delay, outside_reader_is_reported,
                   clock_steps, clock_steps_while_stopped, stopped_and_continued]))
