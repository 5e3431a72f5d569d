#!/usr/bin/env python3
"""How many bytes a completed event takes in the store's file, by table and index.

    ALMONER_BUILD=build tests/bench/file_size.py [EVENTS] [--rate 1000] [--json]

Events of about 600 bytes, delivered to three targets at a fixed rate; a stopped store. Every page of a table counts, also
its unused part. `bare` is what a page holds of rows."""
import argparse
import json
import sqlite3
import tempfile

from measure import Gateway, Receiver, fanout_config, tool

TABLES = """SELECT name, sum(pgsize), sum(payload), sum(ncell) FROM dbstat GROUP BY name ORDER BY 2 DESC"""


def fill(folder, count, rate):
    receiver = Receiver()
    gateway = Gateway(folder + "/run", fanout_config(receiver)).start()
    tool("load", "--to", f"127.0.0.1:{gateway.port}", "--count", count, "--rate", rate, "--prefix", "size")
    gateway.wait_completed(count)
    gateway.stop()
    receiver.stop()
    return gateway.folder / "almoner.db"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("events", type=int, nargs="?", default=40000)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = fill(folder, args.events, args.rate)
        file_bytes = path.stat().st_size
        store = sqlite3.connect(path)
        parts = [{"name": name, "bytes": round(pages / args.events, 1), "bare": round(payload / args.events, 1),
                  "rows": round(rows / args.events, 2)} for name, pages, payload, rows in store.execute(TABLES)]
        store.close()
    figures = {"events": args.events, "rate": args.rate, "bytes": round(file_bytes / args.events, 1), "parts": parts}
    if args.json:
        print(json.dumps(figures))
        return
    print(f"{figures['bytes']} bytes an event ({args.events} events at {args.rate}/s)")
    for part in parts:
        if part["bytes"] >= 2:
            print(f"{part['name']:20} {part['bytes']:8.1f} bytes, bare {part['bare']:8.1f}, rows and inner cells {part['rows']:.2f}")


if __name__ == "__main__":
    main()
