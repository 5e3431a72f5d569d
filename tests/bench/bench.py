#!/usr/bin/env python3
"""The speed of the gateway beside the speed of its parts and of the disk, in one run (README.md says what is what).

    ALMONER_BUILD=build tests/bench/bench.py [--json] [--quick] [--repeat N] [--events N] [--dir FOLDER] [--one-donor]
"""
import argparse
import hashlib
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

from measure import PATHS, TOOLS, Gateway, Receiver, Sampler, fanout_config, kib, machine_busy, median, thread_cpu, ticks, tool

TARGETS = (("ratio to the bare parts", "ratio", "<=", 2.0), ("completed per second", "completed_per_s", ">=", 5000),
           ("accept p50 at 100/s minus the probe's, us", "accept_over_probe_us", "<=", 500), ("peak memory, MiB", "peak_mib", "<=", 64))


def progress(text):
    print(text, file=sys.stderr, flush=True)


# ---- the bare parts

def bare_http(events):
    """CPU microseconds of one request accepted, suspended, resumed by another thread and answered."""
    server = subprocess.Popen([str(TOOLS / "almoner-bare-http"), "--threads", "2"], stdout=subprocess.PIPE, text=True)
    port = server.stdout.readline().strip()
    load = tool("load", "--to", f"127.0.0.1:{port}", "--count", events)
    server.send_signal(signal.SIGTERM)
    result = json.loads(server.stdout.readline())
    server.wait()
    server.stdout.close()
    return {"cpu_us": result["cpu_us_each"], "per_s": load["per_s"]}


def bare_parts(folder, events, repeat):
    receiver = Receiver()
    http = [bare_http(events) for _ in range(repeat)]
    curl = [tool("bare-curl", "--to", receiver.address, "--count", 3 * events) for _ in range(repeat)]
    store = [tool("bare-store", "--dir", folder, "--events", events) for _ in range(repeat)]
    receiver.stop()
    parts = {"accept_us": median(r["cpu_us"] for r in http), "accept_per_s": median(r["per_s"] for r in http),
             "transfer_us": median(r["cpu_us_each"] for r in curl), "transfer_per_s": median(r["per_s"] for r in curl),
             "store_us": median(r["cpu_us_each"] for r in store), "store_per_s": median(r["per_s"] for r in store)}
    parts["sum_us"] = parts["accept_us"] + parts["store_us"] + 3 * parts["transfer_us"]
    return parts


# ---- fanout-3, as fast as it goes

def cpu_between(before, after, events):
    names = {name: (after[name] - before.get(name, 0)) * 1e6 / events for name in after}
    return {name: us for name, us in sorted(names.items(), key=lambda item: -item[1]) if us >= 0.05}


def saturate(folder, args):
    receiver = Receiver()
    gateway = Gateway(folder, fanout_config(receiver)).start()
    to, pid = f"127.0.0.1:{gateway.port}", gateway.process.pid
    donors = ["--one-donor"] if args.one_donor else []
    warm = max(2000, args.events // 20)
    tool("load", "--to", to, "--count", warm, "--prefix", "warm", *donors)
    gateway.wait_completed(warm)
    sampler = Sampler(pid)
    before, user_sys, busy, sink = thread_cpu(pid), ticks(pid), machine_busy(), sum(thread_cpu(receiver.process.pid).values())
    load = tool("load", "--to", to, "--count", args.events, "--prefix", "run", *donors)
    ended = gateway.wait_completed(warm + args.events)
    after, user_sys_after, busy_after = thread_cpu(pid), ticks(pid), machine_busy()
    sink = sum(thread_cpu(receiver.process.pid).values()) - sink
    seconds = ended - load["began_us"] / 1e6
    cpu_s = sum(after.values()) - sum(before.get(name, 0) for name in after)
    foreign = busy_after[0] - busy[0] - cpu_s - sink - load["cpu_s"]
    result = {"accepted_per_s": load["per_s"], "completed_per_s": args.events / seconds, "seconds": seconds, "accept_p50_us": load["p50_us"],
              "accept_p99_us": load["p99_us"], "statuses": load["statuses"], "cpu_us": cpu_s * 1e6 / args.events,
              "user_us": (user_sys_after[0] - user_sys[0]) * 1e6 / args.events, "sys_us": (user_sys_after[1] - user_sys[1]) * 1e6 / args.events,
              "threads_us": cpu_between(before, after, args.events), "pss_mib": sampler.close() / 1024, "peak_mib": kib(pid, "VmHWM") / 1024,
              "load_us": load["cpu_s"] * 1e6 / args.events, "receiver_us": sink * 1e6 / args.events, "foreign_load": max(0.0, foreign) / seconds,
              "stolen": (busy_after[1] - busy[1]) / seconds}
    gateway.stop()
    receiver.stop()
    shutil.rmtree(folder)
    return result


# ---- 100 events a second

def key_of(event, step):
    """The idempotency key of the step's only request (saga/model/key.h): it identifies the event of a request that the receiver saw."""
    digest = hashlib.sha256()
    for part in ("almoner-key-1", "internal", event, step, "do", "1", ""):
        digest.update(len(part).to_bytes(8, "little") + part.encode())
    return digest.hexdigest()[:32]


def delivered_us(acks, log):
    arrived = {}
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        arrived[entry["key"]] = entry["at_us"]
    spans, missing = [], 0
    for line in acks.read_text().splitlines():
        event, due, _ = line.split()
        times = [arrived.get(key_of(event, path[1:])) for path in PATHS]
        if None in times:
            missing += 1
        else:
            spans.append(max(times) - int(due))
    if missing:
        raise SystemExit(f"{missing} acknowledged events are not at the receiver under their keys")
    return sorted(spans)


def paced(folder, args):
    folder.mkdir()
    count = int(args.rate * args.paced_seconds)
    probe = [tool("probe", "--dir", folder, "--count", count // 2, "--rate", args.rate)]
    again = [tool("probe", "--dir", folder, "--count", count // 2, "--rate", args.rate, "--rewrite")]
    receiver = Receiver(log=folder / "arrived")
    gateway = Gateway(folder / "gateway", fanout_config(receiver)).start()
    pid, to = gateway.process.pid, f"127.0.0.1:{gateway.port}"
    tool("load", "--to", to, "--count", 200, "--rate", args.rate, "--prefix", "warm")
    gateway.wait_completed(200)
    before = thread_cpu(pid)
    load = tool("load", "--to", to, "--count", count, "--rate", args.rate, "--prefix", "paced", "--acks", folder / "acks")
    gateway.wait_completed(200 + count)
    after = thread_cpu(pid)
    gateway.stop()
    receiver.stop()
    probe.append(tool("probe", "--dir", folder, "--count", count // 2, "--rate", args.rate))
    again.append(tool("probe", "--dir", folder, "--count", count // 2, "--rate", args.rate, "--rewrite"))
    spans = delivered_us(folder / "acks", folder / "arrived")
    shutil.rmtree(folder)
    return {"accept_p50_us": load["p50_us"], "accept_p99_us": load["p99_us"], "delivered_p50_us": spans[len(spans) // 2],
            "delivered_p99_us": spans[(len(spans) - 1) * 99 // 100], "probe_p50_us": min(p["p50_us"] for p in probe),
            "probe_p99_us": min(p["p99_us"] for p in probe), "again_p50_us": min(p["p50_us"] for p in again),
            "cpu_us": (sum(after.values()) - sum(before.values())) * 1e6 / count}


# ---- telling

def median_of(runs, name):
    return median(run[name] for run in runs)


def summary(parts, runs, slow):
    whole = {"parts": parts, "runs": runs, "paced": slow}
    for name in ("accepted_per_s", "completed_per_s", "cpu_us", "user_us", "sys_us", "accept_p50_us", "accept_p99_us", "load_us", "receiver_us"):
        whole[name] = median_of(runs, name)
    whole["peak_mib"] = max(run["peak_mib"] for run in runs)
    whole["pss_mib"] = max(run["pss_mib"] for run in runs)
    whole["ratio"] = whole["cpu_us"] / parts["sum_us"]
    whole["accept_over_probe_us"] = median(p["accept_p50_us"] - p["probe_p50_us"] for p in slow)
    whole["foreign_load"] = max(run["foreign_load"] for run in runs)
    return whole


def table(r):
    p = r["parts"]
    lines = ["bare parts, CPU us per event",
             f"  libmicrohttpd, resumed by another thread   {p['accept_us']:8.1f}   ({p['accept_per_s']:,.0f}/s)",
             f"  SQLite, batches of 64                      {p['store_us']:8.1f}   ({p['store_per_s']:,.0f}/s)",
             f"  libcurl multi on libev, three transfers    {3 * p['transfer_us']:8.1f}   ({p['transfer_per_s']:,.0f} transfers/s)",
             f"  sum                                        {p['sum_us']:8.1f}",
             f"fanout-3, 64 connections, closed loop (median of {len(r['runs'])})",
             f"  accepted/s {r['accepted_per_s']:,.0f}   completed/s {r['completed_per_s']:,.0f}   (of the runs: "
             + ", ".join(f"{run['completed_per_s']:,.0f}" for run in r["runs"]) + ")",
             f"  accept p50 {r['accept_p50_us'] / 1000:.1f} ms, p99 {r['accept_p99_us'] / 1000:.1f} ms",
             f"  CPU per 1,000 events {r['cpu_us'] / 1000:.3f} s (user {r['user_us'] / 1000:.3f}, sys {r['sys_us'] / 1000:.3f});"
             f" load generator {r['load_us'] / 1000:.3f}, receiver {r['receiver_us'] / 1000:.3f}",
             "  by thread, us per event: " + ", ".join(f"{name} {us:.1f}" for name, us in r["runs"][-1]["threads_us"].items()),
             f"  CPU per event / bare parts {r['ratio']:.2f}   (of the runs: " + ", ".join(f"{run['cpu_us'] / p['sum_us']:.2f}" for run in r["runs"]) + ")",
             f"  peak memory {r['peak_mib']:.1f} MiB (VmHWM), {r['pss_mib']:.1f} MiB (PSS)",
             f"  foreign load up to {100 * r['foreign_load']:.0f} % of a CPU, stolen up to {100 * max(run['stolen'] for run in r['runs']):.0f} %"]
    for s in r["paced"]:
        lines += ["100 events/s",
                  f"  fdatasync alone: appending p50 {s['probe_p50_us'] / 1000:.2f} ms, p99 {s['probe_p99_us'] / 1000:.1f} ms;"
                  f" over written blocks p50 {s['again_p50_us'] / 1000:.2f} ms",
                  f"  accept p50 {s['accept_p50_us'] / 1000:.2f} ms, p99 {s['accept_p99_us'] / 1000:.1f} ms",
                  f"  accept -> all three delivered p50 {s['delivered_p50_us'] / 1000:.2f} ms, p99 {s['delivered_p99_us'] / 1000:.1f} ms",
                  f"  CPU per 1,000 events {s['cpu_us'] / 1000:.3f} s"]
    lines.append("targets")
    for words, name, how, bound in TARGETS:
        met = r[name] <= bound if how == "<=" else r[name] >= bound
        lines.append(f"  {words} {how} {bound:g}: {r[name]:,.2f}  {'met' if met else 'NOT MET'}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="one short run of each")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--events", type=int, default=60000)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--paced-seconds", type=float, default=15.0)
    parser.add_argument("--dir", help="where the stores go; the disk there is what is measured")
    parser.add_argument("--one-donor", action="store_true")
    parser.add_argument("--no-paced", action="store_true")
    args = parser.parse_args()
    if args.quick:
        args.repeat, args.events, args.paced_seconds = 1, min(args.events, 20000), 5.0
    folder = pathlib.Path(tempfile.mkdtemp(prefix="almoner-bench-", dir=args.dir))
    try:
        progress("bare parts …")
        parts = bare_parts(folder, 32768, args.repeat)
        runs = []
        for i in range(args.repeat):
            progress(f"fanout-3, run {i + 1} of {args.repeat} …")
            runs.append(saturate(folder / f"run{i}", args))
        slow = []
        for i in range(0 if args.no_paced else args.repeat):
            progress(f"{args.rate:g} events/s, run {i + 1} of {args.repeat} …")
            slow.append(paced(folder / f"paced{i}", args))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    result = summary(parts, runs, slow) if slow else summary(parts, runs, [{"accept_p50_us": 0, "probe_p50_us": 0}])
    if not slow:
        result["paced"] = []
    print(json.dumps(result) if args.json else table(result))


if __name__ == "__main__":
    main()
