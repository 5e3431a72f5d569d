#!/usr/bin/env python3
"""CPU of one event in two builds of the daemon, measured in pairs within one run.

    ALMONER_BUILD=build tests/bench/pairs.py OLD/almoner NEW/almoner [--pairs 5] [--rate 1000] [--events 8000] [--json]

Each pair runs both programs one after the other, the second pair in the other order, with the same receiver and the same
load: fan-out to three targets at a fixed rate. A fixed rate keeps the size of the batches alike; a closed loop would not.
The figure is the CPU of all threads of the daemon for each completed event; the result is the median of the ratios."""
import argparse
import json
import pathlib
import shutil
import sys
import tempfile

import measure
from measure import Gateway, Receiver, fanout_config, median, thread_cpu, tool

WARM_EVENTS = 2000


def cpu_us(program, folder, args):
    """Microseconds of CPU for one event, by a fresh daemon on an empty store."""
    measure.ALMONER = program
    receiver = Receiver()
    gateway = Gateway(folder, fanout_config(receiver)).start()
    to, pid = f"127.0.0.1:{gateway.port}", gateway.process.pid
    tool("load", "--to", to, "--count", WARM_EVENTS, "--rate", args.rate, "--prefix", "warm")
    gateway.wait_completed(WARM_EVENTS)
    before = sum(thread_cpu(pid).values())
    tool("load", "--to", to, "--count", args.events, "--rate", args.rate, "--prefix", "run")
    gateway.wait_completed(WARM_EVENTS + args.events)
    used = sum(thread_cpu(pid).values()) - before
    gateway.stop()
    receiver.stop()
    shutil.rmtree(folder)
    return used * 1e6 / args.events


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=pathlib.Path)
    parser.add_argument("new", type=pathlib.Path)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--events", type=int, default=8000)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    pairs = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(args.pairs):
            programs = [("old", args.old.resolve()), ("new", args.new.resolve())]
            figures = {name: cpu_us(program, pathlib.Path(folder) / "run", args)
                       for name, program in (programs if number % 2 == 0 else reversed(programs))}
            pairs.append(figures)
            print(f"pair {number + 1}: old {figures['old']:.1f} us, new {figures['new']:.1f} us, "
                  f"ratio {figures['new'] / figures['old']:.3f}", file=sys.stderr)
    ratio = median(figures["new"] / figures["old"] for figures in pairs)
    if args.json:
        print(json.dumps({"pairs": pairs, "ratio": ratio}))
    else:
        print(f"CPU of one event, new / old, median of {args.pairs} pairs: {ratio:.3f}")


if __name__ == "__main__":
    main()
