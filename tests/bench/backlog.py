#!/usr/bin/env python3
"""What a long backlog behind a dead target costs: start-up, memory, the events of other targets, the view of it, the draining (README.md).

    ALMONER_BUILD=build tests/bench/backlog.py [COUNT] [--json] [--dir FOLDER] [--store FILE] [--drain STEPS]

Each figure stands beside the same one of a gateway without a backlog, taken in the same run. --store: a store made before by
almoner-fill is used (and changed). A million takes about 1 GB of disk and a minute to make, ten million ten times that."""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from measure import BUILD, Gateway, Receiver, Sampler, kib, tool, wait_until

FILL = BUILD / "tests" / "support" / "almoner-fill"


def log(text):
    print(text, file=sys.stderr, flush=True)


def cli(gateway, *words):
    done = subprocess.run([str(BUILD / "almoner"), *words, "--config", str(gateway.config)], capture_output=True, text=True, check=False,
                          cwd=gateway.folder)
    if done.returncode != 0:
        raise SystemExit(f"almoner {' '.join(words)}: {done.stderr}{done.stdout}")
    return done.stdout


def target(gateway):
    return next(t for t in map(json.loads, cli(gateway, "target", "list", "--json").splitlines()) if t["name"] == "crm")


def config(receiver, store, crm):
    quick = {"consecutive": 5, "open": "500ms", "open_cap": "1s"}
    http = {"connector": "http", "breaker": quick}
    return {"store": {"url": f"sqlite:{store}"}, "routes": [{"name": "donations", "match": {"source": "*"}, "steps": [{"target": "crm"},
                                                                                                                    {"target": "books"}]}],
            "targets": {"crm": {**http, "settings": {"url": f"http://{crm}/crm", "repeat": "keyed"}},
                        "books": {**http, "settings": {"url": f"http://{receiver.address}/books", "repeat": "keyed"}}}}


def started(gateway):
    began = time.monotonic()
    gateway.start()
    return time.monotonic() - began


def live_traffic(gateway, prefix, args):
    """100 events a second for another target, while the backlog waits or is drained."""
    load = tool("load", "--to", f"127.0.0.1:{gateway.port}", "--count", int(args.rate * args.seconds), "--rate", args.rate, "--prefix", prefix)
    return {"accept_p50_ms": load["p50_us"] / 1000, "accept_p99_ms": load["p99_us"] / 1000}


def without(folder, args):
    """The same gateway, with nothing behind it; its target is as dead."""
    receiver = Receiver()
    gateway = Gateway(folder, config(receiver, folder / "almoner.db", "127.0.0.1:9"))
    result = {"start_s": started(gateway), **live_traffic(gateway, "none", args), "peak_mib": kib(gateway.process.pid, "VmHWM") / 1024}
    gateway.stop()
    receiver.stop()
    return result


def drain(gateway, receiver, store, args):
    """The target is back: as fast as its limit of 16 in flight lets it."""
    gateway.stop()
    again = Gateway(gateway.folder, config(receiver, store, receiver.address))
    started(again)
    before, began = target(again)["succeeded"], time.monotonic()
    figures = live_traffic(again, "drain", args)
    wait_until("drained", lambda: target(again)["succeeded"] >= before + args.drain or target(again)["backlog"] == 0, 3600)
    took = time.monotonic() - began
    done = target(again)["succeeded"] - before
    result = {"drained": done, "drained_per_s": done / took, "drain_accept_p50_ms": figures["accept_p50_ms"],
              "drain_accept_p99_ms": figures["accept_p99_ms"], "drain_peak_mib": kib(again.process.pid, "VmHWM") / 1024}
    again.stop()
    return result


def with_backlog(folder, store, args):
    receiver = Receiver()
    gateway = Gateway(folder, config(receiver, store, "127.0.0.1:9"))
    result = {"start_s": started(gateway)}
    sampler = Sampler(gateway.process.pid)
    result.update(live_traffic(gateway, "live", args))
    began = time.monotonic()
    line = next(row for row in map(json.loads, cli(gateway, "backlog", "--json").splitlines()) if row["target"] == "crm")
    result.update({"backlog_view_s": time.monotonic() - began, "waiting": line["total"], "older_than": line["older_than"]})
    began = time.monotonic()
    cli(gateway, "target", "list")
    result.update({"target_list_s": time.monotonic() - began, "pss_mib": sampler.close() / 1024,
                   "peak_mib": kib(gateway.process.pid, "VmHWM") / 1024})
    gateway.process.kill()
    gateway.process.wait()
    result["start_after_kill_s"] = started(gateway)
    result.update(drain(gateway, receiver, store, args))
    receiver.stop()
    return result


def fill(folder, args):
    folder.mkdir()
    store = folder / "almoner.db"
    done = subprocess.run([str(FILL), "--store", str(store), "--events", str(args.count), "--donors", str(max(1, args.count // 2)), "--days", "3"],
                          stdout=subprocess.PIPE, text=True, check=True)
    log(f"filled: {done.stdout.strip()}")
    return store


def reported(result):
    a, b = result["without"], result["with"]
    rows = [("steps waiting", 0, b["waiting"]), ("start-up, s", a["start_s"], b["start_s"]), ("start-up after kill -9, s", "", b["start_after_kill_s"]),
            ("peak memory, MiB", a["peak_mib"], b["peak_mib"]), ("live event accepted, p50 ms", a["accept_p50_ms"], b["accept_p50_ms"]),
            ("live event accepted, p99 ms", a["accept_p99_ms"], b["accept_p99_ms"]), ("`backlog`, s", "", b["backlog_view_s"]),
            ("`target list`, s", "", b["target_list_s"]), ("drained a second", "", b["drained_per_s"]),
            ("live p50 while draining, ms", "", b["drain_accept_p50_ms"]), ("live p99 while draining, ms", "", b["drain_accept_p99_ms"]),
            ("peak memory while draining, MiB", "", b["drain_peak_mib"]), ("size of the store, MiB", "", result["store_mib"])]
    print(f"{'':34}{'none':>12}{'backlog':>14}")
    for name, left, right in rows:
        print(f"{name:34}{left if left == '' else format(left, '.2f'):>12}{format(right, '.2f'):>14}")
    print(f"older than: {b['older_than']}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("count", nargs="?", type=int, default=1000000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--dir", default=tempfile.gettempdir())
    parser.add_argument("--store", type=pathlib.Path)
    parser.add_argument("--drain", type=int, default=20000)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--seconds", type=float, default=10)
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="almoner-backlog-", dir=args.dir))
    try:
        store = args.store.resolve() if args.store else fill(folder / "store", args)
        result = {"store_mib": os.stat(store).st_size / 1048576, "without": without(folder / "none", args),
                  "with": with_backlog(folder / "full", store, args)}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if args.json:
        print(json.dumps(result, indent=1))
    else:
        reported(result)


if __name__ == "__main__":
    main()
