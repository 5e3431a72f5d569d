#!/usr/bin/env python3
"""How long a store of schema 4 takes to come to the present schema.

    ALMONER_BUILD=build tests/bench/upgrade.py [EVENTS] [--seed STORE] [--folder FOLDER] [--verify] [--json]

Makes a store of schema 4 with EVENTS completed events (default: a million) by multiplying those of a real one, and opens it
with the present code. The copies have their own numbers, times, keys and chain, so `almoner verify` finds nothing to report;
their payloads, salts and values are those of the original. The tables are filled side by side, as a gateway fills them, so
their pages lie mixed in the file. --seed is a stopped store that a version with schema 4 wrote; without it the small events of
tests/golden/store-4 are taken."""
import argparse
import hashlib
import json
import os
import pathlib
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

from measure import ALMONER, BUILD

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))
from unpack import unpack  # noqa: E402  pylint: disable=wrong-import-position

SLICE = 64           # events that are written together
NEW_KEYS = 32768     # keys before they are sorted in
COMPLETED = 4
DAY_MS = 86400000


class Seed:
    """The completed sagas of a store: their rows, without the numbers."""

    def __init__(self, path):
        store = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
        if store.execute("PRAGMA user_version").fetchone()[0] != 4:
            raise SystemExit(f"{path} has not schema 4")
        self.schema = [row[0] for row in store.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")]
        self.small = {name: store.execute(f"SELECT * FROM {name}").fetchall() for name in ("plan", "target", "counters")}
        keys = dict(store.execute("SELECT owner, count(*) FROM (SELECT owner FROM claim UNION ALL SELECT owner FROM claim_new) GROUP BY owner"))
        self.events = []
        for saga in store.execute("SELECT id, plan, state, live, created, value FROM saga WHERE state = ? ORDER BY id", (COMPLETED,)).fetchall():
            event = store.execute("SELECT * FROM event WHERE saga = ?", (saga[0],)).fetchone()
            log = store.execute("SELECT at, head, personal, salt, personal_digest FROM log WHERE subject = 1 AND subject_id = ? ORDER BY no", (saga[0],)).fetchall()
            self.events.append((saga[1:], event[1:], log, keys.get(saga[0], 1)))
        store.close()


class Maker:
    """Writes the multiplied store."""

    def __init__(self, path, seed):
        self.seed = seed
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.executescript("PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144")
        for sql in seed.schema:
            self.db.execute(sql)
        for name, rows in seed.small.items():
            for row in rows:
                self.db.execute(f"INSERT INTO {name} VALUES ({', '.join('?' * len(row))})", row)
        self.saga = self.number = self.commit = self.key = 0
        self.digest = bytes(32)
        self.late = []   # rows that the next commit writes: outcomes come after the acceptance
        self.keys = []
        self.log, self.chain = [], []

    def add_commit(self, rows, at):
        """`rows`: (saga, row of the seed's log)."""
        self.commit += 1
        first = self.number + 1
        parts = [self.digest]
        for saga, (_, head, personal, salt, personal_digest) in rows:
            self.number += 1
            self.log.append((self.number, self.commit, 1, saga, at, head, personal, salt, personal_digest))
            parts += [struct.pack("<qqqqq", self.number, self.commit, 1, saga, at), hashlib.sha256(head).digest(), personal_digest or bytes(32)]
        self.digest = hashlib.sha256(b"".join(parts)).digest()
        self.chain.append((self.commit, first, self.number, at, self.digest))

    def add_slice(self, count):
        sagas, events, keys = [], [], []
        for _ in range(count):
            (plan, state, live, created, value), event, log, key_count = self.seed.events[self.saga % len(self.seed.events)]
            self.saga += 1
            at = created + self.saga
            sagas.append((self.saga, plan, state, live, created, value))  # `created` is in the value too
            events.append((self.saga, *event))
            self.add_commit([*self.late, (self.saga, log[0])], at)
            self.late = [(self.saga, row) for row in log[1:]]
            for _ in range(key_count):
                self.key += 1
                keys.append((self.key, os.urandom(16), self.saga, at // DAY_MS))
        self.insert("saga", sagas)
        self.insert("event", events)
        self.insert("claim_new", keys)
        self.keys += keys
        self.flush()

    def insert(self, table, rows):
        if rows:
            self.db.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)

    def flush(self):
        self.insert("log", self.log)
        self.insert("chain", self.chain)
        self.log, self.chain = [], []
        if len(self.keys) >= NEW_KEYS:
            self.db.execute("DELETE FROM claim_new")
            self.insert("claim", sorted(row[1:] for row in self.keys))
            self.keys = []

    def run(self, count):
        self.db.execute("BEGIN")
        while self.saga < count:
            self.add_slice(min(SLICE, count - self.saga))
        self.add_commit(self.late, self.log[-1][4] if self.log else 0)
        self.flush()
        self.db.execute("COMMIT")
        self.db.executescript("PRAGMA application_id = 0x616c6d6e; PRAGMA user_version = 4; PRAGMA journal_mode = WAL")
        self.db.close()


def golden_seed(folder):
    path = pathlib.Path(folder) / "seed.db"
    path.write_bytes(unpack(GOLDEN / "store-4.tar.xz", "almoner.db"))
    return path


def measure(folder, args):
    store = pathlib.Path(folder) / "almoner.db"
    seed = Seed(args.seed or golden_seed(folder))
    if not seed.events:
        raise SystemExit("the seed has no completed event")
    Maker(store, seed).run(args.events)
    before = store.stat().st_size
    began, cpu = time.monotonic(), os.times()
    done = subprocess.run([str(BUILD / "tests" / "support" / "almoner-open-store"), str(store)], check=False, stdout=sys.stderr)
    took, end = time.monotonic() - began, os.times()
    if done.returncode != 0:
        raise SystemExit("the upgrade failed")
    if args.verify:
        config = pathlib.Path(folder) / "almoner.json"
        config.write_text(json.dumps({"store": {"url": f"sqlite:{store}"}, "listen": {"intake": "127.0.0.1:0", "admin": ["unix:a.sock"]}}))
        subprocess.run([str(ALMONER), "verify", "--config", str(config)], check=True, stdout=sys.stderr)
    return {"events": args.events, "seconds": round(took, 2), "cpu_s": round(end.children_user + end.children_system - cpu.children_user - cpu.children_system, 2),
            "bytes_before": before, "bytes_after": store.stat().st_size,
            "event_bytes_before": round(before / args.events), "event_bytes_after": round(store.stat().st_size / args.events)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("events", type=int, nargs="?", default=1000000)
    parser.add_argument("--seed", type=pathlib.Path)
    parser.add_argument("--folder", help="where to make the store; it needs room for both (default: a temporary folder)")
    parser.add_argument("--verify", action="store_true", help="also run `almoner verify` on the result")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        figures = measure(folder, args)
    if args.json:
        print(json.dumps(figures))
    else:
        print(f"{figures['events']} events: {figures['seconds']} s ({figures['cpu_s']} s of CPU), {figures['event_bytes_before']} -> {figures['event_bytes_after']} bytes an event")


if __name__ == "__main__":
    main()
