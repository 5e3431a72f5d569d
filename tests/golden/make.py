#!/usr/bin/env python3
"""Writes the golden stores of this folder with a given almoner binary (README.md):

    ALMONER_BUILD=build tests/golden/make.py states  --almoner build/almoner  store-4
    ALMONER_BUILD=build tests/golden/make.py samples --almoner OLD/almoner    store-0.1.0"""
import argparse
import hashlib
import io
import json
import lzma
import pathlib
import sqlite3
import subprocess
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "scenario")]

import harness  # noqa: E402  pylint: disable=wrong-import-position
import resend  # noqa: E402  pylint: disable=wrong-import-position
import samples  # noqa: E402  pylint: disable=wrong-import-position
from harness import check, equal, http_target, wait_until  # noqa: E402  pylint: disable=wrong-import-position

STORE = {"url": "sqlite:almoner.db", "reserve": "1MiB", "dedup_keep": "36500d"}  # a repeat is known as long as the test lives
QUIET = {"consecutive": 1000, "minimum": 1000, "window": 1000}


class Writer:
    """A gateway of the given binary, and every accepted request with its first answer."""

    def __init__(self, fixture, config):
        self.gateway = fixture.gateway({"store": STORE, **config})
        self.requests = []

    def send(self, source, body, headers=None):
        """Posts one event; gives the number of its saga (None: it waits for its gift)."""
        request = {"source": source, "headers": headers or {}, "body": body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)}
        status, reply = resend.send(self.gateway, request)
        check(status in (200, 202), f"not accepted: {status} {reply} {request}")
        self.requests.append({**request, "first": reply})
        return reply["saga"]

    def send_all_again(self):
        """Every request is a duplicate now; its answer is what a later version has to give as well."""
        for request in self.requests:
            status, reply = resend.send(self.gateway, request)
            equal((status, reply.get("duplicate")), (200, True), f"a duplicate: {request} {reply}")
            request["again"] = reply

    def wait_step(self, saga, state, reason=None, why=None):
        def reached():
            shown = self.gateway.saga(saga)
            check(shown["steps"], f"it has steps: {shown}")
            return any(step["state"] == state and reason in (None, step["reason"]) and why in (None, step["why"]) for step in shown["steps"])
        wait_until(f"step of saga {saga} is {state} {reason or why or ''}", reached)
        return saga


# ---- a store with every state

def fund_route(name, *steps, **more):
    return {"name": name, "match": {"source": "*", "where": f".fund == \"{name}\""},
            "steps": [s if isinstance(s, dict) else {"target": s} for s in steps], **more}


def state_config(sink, body="{\"one\": \"{{event.id}}\"}"):
    later = {"retry": {"first": "1d", "cap": "30d", "give_up_after": "0"}}
    undo = {"settings": {"id": ".id", "undo": {"url": sink.url("/ok")}}}
    targets = {
        "books": http_target(sink.url("/ok"), **undo), "crm": http_target(sink.url("/ok"), **undo), "mail": http_target(sink.url("/ok")),
        "no": http_target(sink.url("/no")), "tired": http_target(sink.url("/busy"), retry={"first": "10ms", "attempts": 2}),
        "doubt": http_target(sink.url("/lost"), repeat="unsafe"), "later": http_target(sink.url("/busy"), **later),
        "changed": http_target(sink.url("/busy"), settings={"body": body}, **later),
        "undoing": http_target(sink.url("/ok"), settings={"undo": {"url": sink.url("/busy")}}, **later),
        "badundo": http_target(sink.url("/ok"), settings={"undo": {"url": sink.url("/no")}}),
        "held": http_target(sink.url("/denied"), hold={"probe": "30d"}), "still": http_target(sink.url("/ok")),
        "gone": http_target(sink.url("/ok")), "hang": http_target(sink.url("/hang"), limits={"timeout": "1h"})}
    for target in targets.values():
        target["breaker"] = QUIET
    routes = [
        fund_route("roof", "books", {"target": "crm", "after": ["books"]}, {"target": "mail", "when": ".amount.minor >= 5000"}),
        fund_route("kept", "mail", {"target": "books", "after": ["mail"]}), fund_route("fork", "no", {"target": "mail", "after": ["no"]}),
        fund_route("fault", "books", {"target": "crm", "after": ["books"], "when": ".amount | error"}),
        fund_route("policy", "books", {"target": "no", "after": ["books"]}, on_failure="compensate"),
        *(fund_route(name, name) for name in targets if name not in ("books", "crm", "mail"))]
    sources = {
        "internal": {"verify": "none", "map": "."},
        "platform": {"verify": "none", "map": ".", "gift": ".gift", "related": ".kind == \"note\"", "gift_made": ".kind != \"note\""},
        "signed": {"preset": "hmac", "secrets": ["shared"], "keep_refused": "1MiB", "keep_refused_for": "365d"}}
    return {"sources": sources, "targets": targets, "routes": routes}


class States:
    """Sends events so that sagas come into every state."""

    def __init__(self, fixture):
        self.sink = fixture.sink()
        for path, act in (("/no", {"status": 422}), ("/busy", {"status": 503}), ("/denied", {"status": 401}),
                          ("/lost", {"mode": "close_after_body"}), ("/hang", {"mode": "hang"})):
            self.sink.set_behaviour(path, act)
        self.writer = Writer(fixture, state_config(self.sink))
        self.gateway = self.writer.gateway
        self.number = 0

    def event(self, fund, donor=None, **more):
        self.number += 1
        n = self.number
        return {"id": f"ev-{n:03}", "type": "donation.created", "gift": f"gift-{n:03}", "fund": fund, "occurred_at": f"2026-03-{1 + n % 28:02}T12:00:00Z",
                "donor": {"email": f"{donor or f'donor{n}'}@example.org", "name": f"Zoë Example {n}"},
                "amount": {"minor": 100 * n, "currency": ("EUR", "USD", "JPY")[n % 3]}, **more}

    def send(self, fund, count=1, source="internal", donor=None, **more):
        return [self.writer.send(source, self.event(fund, donor, **more)) for _ in range(count)]

    def verb(self, verb, sagas, *more):
        for saga in sagas:
            self.gateway.cli("saga", verb, saga, *more, "--reason", f"golden: {verb}")

    def wait(self, sagas, state):
        for saga in sagas:
            self.gateway.wait_saga(saga, state)

    def finished(self):
        self.wait(self.send("roof", 90), "completed")
        self.wait(self.send("roof", 10, source="signed", donor="anna"), "completed")
        forked = self.send("fork", 7)
        self.wait(forked, "attention")
        partial = forked[2:]  # the first two keep a step that waits for another
        self.verb("skip", partial, "no")
        self.verb("skip", partial, "mail")
        self.wait(partial, "completed_partial")
        undone = self.send("kept", 5)
        self.wait(undone, "completed")
        self.verb("compensate", undone)
        self.wait(undone + self.send("policy", 3), "compensated")
        self.send("nobody's", 5)
        for n in range(3):
            self.writer.send("internal", {"id": f"no-amount-{n}", "type": "donation.created"})
        self.writer.send("internal", "{not json")

    def related(self):
        """Before the gift, after it, without one, and one that still waits."""
        for name in ("early", "missing", "missing-too", "to-come"):
            self.writer.send("platform", {"id": f"note-{name}", "type": "charge", "kind": "note", "gift": f"gift-{name}"})
        for name in ("early", "late"):
            self.wait([self.writer.send("platform", self.event("roof", gift=f"gift-{name}", kind="gift"))], "completed")
        self.writer.send("platform", {"id": "note-late", "type": "charge", "kind": "note", "gift": "gift-late"})
        self.writer.send("platform", self.event("roof", gift="gift-late", kind="gift"))  # the gift again under another id

    def failing(self):
        for fund, reason in (("no", "rejected"), ("tired", "exhausted"), ("doubt", "in_doubt"), ("fault", "fault")):
            for saga in self.send(fund, 4):
                self.writer.wait_step(saga, "attention", reason)
        for saga in self.send("later", 3):
            self.writer.wait_step(saga, "retry_wait")
        first, second = self.send("later", 2, donor="anna")
        self.writer.wait_step(first, "retry_wait")
        self.writer.wait_step(second, "ready", why="lane")
        changed = [self.writer.wait_step(saga, "retry_wait") for saga in self.send("changed", 2)]
        self.gateway.reload({"store": STORE, **state_config(self.sink, "{\"other\": \"{{event.id}}\"}")})
        self.verb("retry", changed, "changed")
        for saga in changed:
            self.writer.wait_step(saga, "attention", "body_changed")
        for fund, state in (("badundo", "attention"), ("undoing", "compensating")):
            sagas = self.send(fund, 3)
            self.wait(sagas, "completed")
            self.verb("compensate", sagas)
            self.wait(sagas, state)
        self.send("held", 3)
        wait_until("held", lambda: self.gateway.target("held")["state"] == "held")

    def waiting(self):
        self.gateway.cli("target", "pause", "still", "--reason", "golden: a backlog")
        self.gateway.cli("target", "pause", "gone")
        self.send("still", 20)
        self.send("still", 3, donor="anna")
        paused, cancelled = self.send("still", 4), self.send("still", 4)
        self.verb("pause", paused)
        self.wait(paused, "paused")
        self.verb("cancel", cancelled)
        self.wait(cancelled, "cancelled")
        for _ in range(36):  # more log rows than its value names
            self.verb("resume", paused[:1])
            self.verb("pause", paused[:1])
        self.send("gone", 3)

    def refused(self):
        for n in range(3):
            status, _ = self.gateway.post("signed", {"id": f"refused-{n}"}, {"X-Signature": "00" * 32})
            equal(status, 401, "refused")
        wait_until("kept", lambda: len(self.gateway.rows("refused", "list")) == 3)

    def second_run(self):
        """A target is gone, two gifts did not come in time, bulk jobs, and a kill while a request is out."""
        arrived = [row for row in self.gateway.rows("log", "export") if row["subject"] == "related"]
        missing = [(row["id"],) for row in arrived if row["event_id"].startswith("note-missing")]
        equal(len(missing), 2, "events whose gift does not come")
        self.gateway.stop()
        store = sqlite3.connect(self.gateway.folder / "almoner.db")
        equal(store.executemany("UPDATE related SET due = 1 WHERE saga = 0 AND id = ?", missing).rowcount, 2, "their hour is over")
        store.commit()
        store.close()
        config = {"store": STORE, **state_config(self.sink, "{\"other\": \"{{event.id}}\"}")}
        del config["targets"]["gone"]
        config["routes"] = [r for r in config["routes"] if r["name"] != "gone"]
        self.gateway.write(config)
        self.gateway.start()
        for reason, count in (("target_missing", 3), ("gift_missing", 2)):
            wait_until(reason, lambda r=reason, c=count: len(self.gateway.sagas("--attention", r)) == c)
        again = [s["id"] for s in self.gateway.sagas("--state", "attention", "--attention", "rejected", "--target", "no")]
        sent = self.sink.count("/no")
        self.gateway.cli("saga", "resume", "--all", "--yes", "--attention", "rejected", "--target", "no", "--reason", "golden: a job")
        wait_until("each is tried again", lambda: self.sink.count("/no") == sent + len(again))
        self.wait(again, "attention")
        self.gateway.cli("saga", "pause", "--all", "--yes", "--target", "held", "--reason", "golden: a second job")
        self.send("hang")
        wait_until("it is on its way", lambda: self.sink.count("/hang") == 1)
        self.writer.send_all_again()


def states(fixture):
    made = States(fixture)
    made.finished()
    made.related()
    made.failing()
    made.waiting()
    made.refused()
    made.second_run()
    made.gateway.kill()  # as by a power cut: one step is running
    return made.writer


# ---- a store with the samples of the presets

def sample_store(fixture):
    sink = fixture.sink()
    writer = Writer(fixture, {"sources": samples.SOURCES, "targets": {"crm": http_target(sink.url("/crm"))},
                              "routes": [{"name": "donations", "match": {"type": "donation.*"}, "steps": [{"target": "crm"}]}]})
    for request in samples.all_requests():
        writer.send(request["source"], request["body"], request["headers"])
    wait_until("at rest", lambda: writer.gateway.admin("GET", "/v1/status")["sagas"]["running"] == 0)
    writer.send_all_again()
    writer.gateway.stop()
    return writer


# ---- what is kept

def saga_row(saga):
    """What no later version may change in a row of `saga list --json`."""
    return {**{name: saga[name] for name in ("id", "state", "reason", "source", "event_id", "type", "gift", "key", "route")},
            "steps": [{name: step[name] for name in ("name", "target", "state", "reason", "direction", "generation", "attempts", "key")}
                      for step in saga["steps"]]}


def one_of_each(rows):
    """The newest saga of each state and reason, and of each state and reason of a step."""
    seen = {}
    for row in rows:
        for kind in [(row["state"], row["reason"])] + [(row["state"], s["state"], s["reason"]) for s in row["steps"]]:
            seen.setdefault(kind, row["id"])
    return sorted(set(seen.values()))


def longest(gateway):
    """The saga with the most records in the log."""
    count = {}
    for row in gateway.rows("log", "export"):
        if row["subject"] == "saga":
            count[row["id"]] = count.get(row["id"], 0) + 1
    return max(count, key=count.get)


def read_tables(path):
    """Rows of each table, digests of gifts and repeats, and the head of the chain. Reading it also ends SQLite's log."""
    store = sqlite3.connect(path)
    names = [row[0] for row in store.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name")]
    tables = {name: store.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}
    # the tables of the keys are claim and claim_new up to schema 4, key and key_new from schema 5
    keys = sorted(row[0] for name in names if name.startswith(("claim", "key")) for row in store.execute(f"SELECT lower(hex(digest)) FROM {name}"))
    head = store.execute("SELECT commit_no, lower(hex(digest)) FROM chain ORDER BY commit_no DESC LIMIT 1").fetchone()
    schema = store.execute("PRAGMA user_version").fetchone()[0]
    store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return {"schema": schema, "tables": tables, "keys": keys, "head": {"commit": head[0], "digest": head[1]}}


def summarize(gateway):
    """What the command line says of a store whose gateway does not run. The test compares each member."""
    rows = gateway.rows("saga", "list")
    by_state = {}
    shown = sorted({*one_of_each(rows), longest(gateway)})
    for row in rows:
        name = row["state"] + (f" {row['reason']}" if row["reason"] else "")
        by_state[name] = by_state.get(name, 0) + 1
    return {"sagas_by_state": dict(sorted(by_state.items())),
            "gifts": sorted({row["gift"] for row in rows if row["gift"]}), "events": sorted(row["event_id"] for row in rows),
            "jobs": [{n: job[n] for n in ("id", "verb", "state")} for job in gateway.rows("job", "list")],
            "refused": [row["id"] for row in gateway.rows("refused", "list")],
            "targets": {row["name"]: row["state"] for row in gateway.rows("target", "list")},
            "shown": shown, "records": [len(gateway.saga(number)["log"]) for number in shown], "sagas": [saga_row(row) for row in rows]}


def config_without_receivers(gateway):
    config = json.loads(json.dumps(gateway.config))
    for target in config["targets"].values():
        for settings in (target["settings"], target["settings"].get("undo", {})):
            if "url" in settings:
                settings["url"] = "http://127.0.0.1:1/" + settings["url"].split("/")[-1]
    return config


def pack(path, files):
    """Files of {name: bytes}, always with the same bytes for the same files."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    path.write_bytes(lzma.compress(raw.getvalue(), preset=9 | lzma.PRESET_EXTREME))


def summary_text(summary):
    """One member a line, one saga a line."""
    parts = []
    for name, value in summary.items():
        lines = ",\n  ".join(json.dumps(v, ensure_ascii=False) for v in value) if name == "sagas" else None
        parts.append(f" {json.dumps(name)}: " + (f"[\n  {lines}]" if lines else json.dumps(value, ensure_ascii=False)))
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("states", "samples"))
    parser.add_argument("name", help="name of the files, such as store-4")
    parser.add_argument("--almoner", required=True, help="the binary that writes the store")
    words = parser.parse_args()
    harness.ALMONER = pathlib.Path(words.almoner).resolve()
    with tempfile.TemporaryDirectory(prefix="almoner-golden-") as folder:
        fixture = harness.Fixture(folder)
        try:
            writer = (states if words.kind == "states" else sample_store)(fixture)
            equal(writer.gateway.rows("verify")[0]["sound"], True, "verify")
            summary = {**read_tables(writer.gateway.folder / "almoner.db"), **summarize(writer.gateway)}
            kept = {name: (writer.gateway.folder / name).read_bytes() for name in ("almoner.db", "almoner.db.sending")}
        finally:
            for end in reversed(fixture.ending):
                end()
    kept["requests.json"] = json.dumps(writer.requests, ensure_ascii=False, indent=0).encode()
    kept["config.json"] = json.dumps(config_without_receivers(writer.gateway), indent=1).encode()
    version = subprocess.run([str(harness.ALMONER), "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    archive = HERE / f"{words.name}.tar.xz"
    pack(archive, kept)
    summary = {"archive": hashlib.sha256(archive.read_bytes()).hexdigest(), "version": version, "requests": len(writer.requests), **summary}
    (HERE / f"{words.name}.json").write_text(summary_text(summary), encoding="utf-8")
    print(f"{archive.name}: {archive.stat().st_size} bytes, {len(summary['sagas'])} sagas, {len(writer.requests)} requests, {summary['sagas_by_state']}")


if __name__ == "__main__":
    main()
