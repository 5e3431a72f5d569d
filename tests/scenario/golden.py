#!/usr/bin/env python3
"""Stores that earlier versions wrote (tests/golden): this version reads them, continues with them, and knows every event again."""
import contextlib
import hashlib
import io
import json
import lzma
import pathlib
import socket
import sqlite3
import subprocess
import sys
import tarfile

from harness import BUILD, check, equal, main, wait_until

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))

import resend  # noqa: E402  pylint: disable=wrong-import-position
from make import read_tables, saga_row, summarize  # noqa: E402  pylint: disable=wrong-import-position

AT_REST = ("completed", "completed_partial", "compensated", "cancelled", "unrouted")


def unpack(fixture, name):
    """A gateway with a copy of the store, not started, with the summary and the requests."""
    summary = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    packed = (GOLDEN / f"{name}.tar.xz").read_bytes()
    equal(hashlib.sha256(packed).hexdigest(), summary.pop("archive"), "the archive that the summary is about")
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(packed))) as tar:
        files = {entry.name: tar.extractfile(entry).read() for entry in tar}
    requests = json.loads(files.pop("requests.json"))
    equal(len(requests), summary.pop("requests"), "requests")
    gateway = fixture.gateway(json.loads(files.pop("config.json")), start=False, name=name)
    for file, data in files.items():
        (gateway.folder / pathlib.PurePath(file).name).write_bytes(data)
    return gateway, summary, requests


def check_sound(gateway, when):
    equal(gateway.rows("verify")[0], {"sound": True, "findings": 0, "lines": []}, f"verify, {when}")


def upgrade(gateway):
    """Brings the store to the present schema without a start of the gateway, which would go on with what is open."""
    store = gateway.folder / "almoner.db"
    before = store.read_bytes()
    check("start the daemon once" in gateway.cli_error("verify", code=1), "a reader leaves an older store alone")
    reported = subprocess.run([str(BUILD / "tests" / "support" / "almoner-open-store"), str(store)], capture_output=True, text=True, check=True).stdout
    kept = store.with_name("almoner.db.schema-4")
    check(str(kept) in reported, f"the report names the store that is kept: {reported}")
    equal(kept.read_bytes(), before, "the store that is kept is the old one, byte by byte")


def check_chain(store, head):
    """The old commits keep their digests; one commit without log rows follows, with the figures."""
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        found = db.execute("SELECT commit_no, hex(digest), last FROM chain WHERE commit_no >= ? ORDER BY commit_no", (head["commit"],)).fetchall()
        equal([row[0] for row in found], [head["commit"], head["commit"] + 1], "commits after the upgrade")
        equal(found[0][1].lower(), head["digest"], "digest of the last commit before the upgrade")
        equal(found[1][2], found[0][2], "log rows after the upgrade")


def compare(gateway, summary):
    """What the command line says of the store, beside what it said when the store was written."""
    equal(summary.pop("version"), "0.1.0", "written by")
    found = read_tables(gateway.folder / "almoner.db")
    if found["schema"] == 4:
        upgrade(gateway)
        after = read_tables(gateway.folder / "almoner.db")
        equal(after["keys"], found["keys"], "keys after the upgrade")
        check_chain(gateway.folder / "almoner.db", found["head"])
    check_sound(gateway, "as it came")
    found.update(summarize(gateway))
    for saga, wanted in zip(found["sagas"], summary["sagas"]):
        equal(saga, wanted, f"saga {wanted['id']} in the list")
    found["shown"] = summary["shown"]
    for name, value in summary.items():
        equal(found[name], value, name)
    wanted = {row["id"]: row for row in summary["sagas"]}
    for number in summary["shown"]:
        shown = gateway.saga(number)
        equal(saga_row(shown), wanted[number], f"saga show {number}")
        check(shown["log"], f"saga {number} has a log")
        check(wanted[number]["state"] in gateway.cli("saga", "show", number), f"saga show {number} for people")


def check_duplicate(gateway, request, newest):
    """Sent again it is a duplicate with the same saga. One that waited for its gift then may be a saga `gift_missing` by now."""
    status, reply = resend.send(gateway, request)
    what = f"{request['source']} {request['body'][:120]} sent again"
    equal((status, reply.get("duplicate")), (200, True), f"{what}: {reply}")
    if request["again"]["saga"] is not None or reply["saga"] is None:
        equal({name: reply.get(name) for name in request["again"]}, request["again"], what)
        return
    saga = gateway.saga(reply["saga"])
    check(saga["id"] > newest and saga["reason"] == "gift_missing", f"{what}: {saga}")


def play(fixture, name):
    gateway, summary, requests = unpack(fixture, name)
    compare(gateway, summary)
    newest = max(row["id"] for row in summary["sagas"])
    gateway.start()
    for request in requests:
        check_duplicate(gateway, request, newest)
    for row in gateway.sagas():
        check(row["id"] <= newest or row["reason"] == "gift_missing", f"a new saga: {row}")
    found = {row["id"]: row for row in map(saga_row, gateway.sagas())}
    for row in summary["sagas"]:
        check(row["id"] in found, f"saga {row['id']} is there")
        if row["state"] in AT_REST:
            equal(found[row["id"]], row, f"saga {row['id']} stays as it was")
    gateway.stop()
    check_sound(gateway, "after the stop")
    return gateway, summary


def check_every_state(fixture, name):
    gateway, summary = play(fixture, name)
    states = set(summary["sagas_by_state"])
    reasons = ("rejected", "exhausted", "in_doubt", "fault", "body_changed", "target_missing", "undo_failed", "quarantined", "gift_missing")
    missing = ({"running", "paused", "compensating", *AT_REST} | {f"attention {reason}" for reason in reasons}) - states
    equal(missing, set(), "states that the store lacks")
    steps = {step["state"] for row in summary["sagas"] for step in row["steps"]}
    equal(steps, {"waiting", "ready", "running", "retry_wait", "succeeded", "attention", "skipped", "kept"}, "states of steps")
    # The step that was running at the kill goes on, or is in doubt: the target no longer remembers its key when the store is old.
    hung = next(row for row in summary["sagas"] if any(s["state"] == "running" for s in row["steps"]))
    gateway.start()

    def goes_on():
        step = gateway.saga(hung["id"])["steps"][0]
        return step["attempts"] > hung["steps"][0]["attempts"] or step["reason"] == "in_doubt"
    wait_until("it goes on, or is in doubt", goes_on)
    equal(gateway.target("held")["state"], "held", "a hold lasts")
    gateway.stop()
    check_sound(gateway, "after a second run")


def every_state_of_schema_4(fixture):
    """About 200 events in every state, written with schema 4 and ended by a kill."""
    check_every_state(fixture, "store-4")


def every_state_of_schema_5(fixture):
    """The same events, written with the schema that has its final shapes."""
    check_every_state(fixture, "store-5")


def samples_of_0_1_0(fixture):
    """Written by version 0.1.0 with each sample of each preset: no event is new to a later version."""
    gateway, summary = play(fixture, "store-0.1.0")
    equal({row["source"] for row in summary["sagas"]}, set(gateway.config["sources"]), "every preset")


def the_daemon_upgrades(fixture):
    """The first start with a newer version: the log says what is done, and systemd hears that the start takes longer."""
    gateway, summary, requests = unpack(fixture, "store-0.1.0")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(gateway.folder / "notify.sock"))
        gateway.env["NOTIFY_SOCKET"] = str(gateway.folder / "notify.sock")
        gateway.start()
        words = [supervisor.recv(100).decode()]
        while words[-1] != "READY=1":
            words.append(supervisor.recv(100).decode())
    check(words[0].startswith("EXTEND_TIMEOUT_USEC=") and len(words) > 2, f"the messages to systemd: {words}")
    lines = [line for line in gateway.log().splitlines() if "event=store_upgrade" in line]
    check(len(lines) >= 2 and "almoner.db.schema-4" in lines[-1], f"the log says so: {lines}")
    check((gateway.folder / "almoner.db.schema-4").exists(), "the old store is kept")
    for request in requests[:3]:
        check_duplicate(gateway, request, max(row["id"] for row in summary["sagas"]))
    gateway.stop()
    gateway.start()
    equal(gateway.log().count("event=store_upgrade"), len(lines), "only the first start upgrades")
    gateway.stop()


if __name__ == "__main__":
    sys.exit(main([every_state_of_schema_4, every_state_of_schema_5, samples_of_0_1_0, the_daemon_upgrades]))
