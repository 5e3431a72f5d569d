#!/usr/bin/env python3
"""What one target's trouble does to another's p99: the same load beside a receiver that is well and beside one that is bad, in turns.

    ALMONER_BUILD=build tests/bench/neighbours.py [--rounds N] [--seconds S] [--no-breaker] [--json] [MODE …]

In each round the bad target's events go to a well twin first and to it then, or the other way round; everything else is the same. Figures are the middle one of the rounds', so that a hiccup of the machine in one of them is none of the target's.
"""
import argparse
import json
import multiprocessing
import pathlib
import shutil
import subprocess
import tempfile

from measure import ALMONER, BUILD, TOOLS, Gateway, Receiver, kib, median, tool, wait_until

from downstream import HEAD, CHUNKED, shimmed  # of tests/scenario, which measure.py puts on the path
from peers import OK, Authority, Peer, Refusing, Unanswering, answers, drips, floods, never_reads, smtp

WELL_RATE, BAD_RATE = 100, 50

MODES = {
    "refuse": Refusing,
    "no_answer_to_syn": Unanswering,
    "never_reads": lambda: Peer(never_reads),
    "hang": lambda: Peer(answers(then="hang")),
    "one_byte_a_second": lambda: Peer(drips(OK, 1)),
    "endless_headers": lambda: Peer(floods(HEAD, b"X-Filler: and another one\r\n" * 1000)),
    "ten_gigabytes": lambda: Peer(floods(HEAD + b"Content-Length: 10737418240\r\n\r\n", bytes(65536))),
    "bad_chunking": lambda: Peer(answers(CHUNKED + b"ZZ\r\nno chunk\r\n")),
    "length_too_long": lambda: Peer(answers(HEAD + b"Content-Length: 100\r\n\r\n{}")),
    "reset": lambda: Peer(answers(then="reset")),
    "close_after_body": lambda: Peer(answers()),
    "redirect_loop": lambda: Peer(answers(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")),
    "tls_self_signed": None,
    "name_hangs": None,
    "smtp_silent_after_dot": lambda: Peer(smtp("dot", "silence")),
    "smtp_silent_greeting": lambda: Peer(smtp("greeting", "silence")),
    "smtp_endless": lambda: Peer(smtp("ehlo", "endless")),
}


class ChildProcess:
    """A bad receiver in a process of its own, so that it does not slow down the load generator."""

    def __init__(self, make):
        mine, theirs = multiprocessing.Pipe()

        def run():
            peer = make()
            theirs.send(peer.port)
            theirs.recv()
        self.pipe = mine
        self.process = multiprocessing.get_context("fork").Process(target=run, daemon=True)
        self.process.start()
        self.port = mine.recv()

    def stop(self):
        self.process.terminate()
        self.process.join()


def bad_target(mode, folder):
    """The receiver's process, the target's configuration and the daemon's environment."""
    if mode == "name_hangs":
        (folder / "names").write_text("hang.test hang\n")
        return None, http("http://hang.test:9/"), shimmed(ALMONER_SHIM_NAMES=folder / "names")
    if mode == "tls_self_signed":
        context = Authority(folder / "tls").server("own", signed=False)
        child = ChildProcess(lambda: Peer(answers(OK), tls=context))
        return child, http(f"https://127.0.0.1:{child.port}/"), {}
    child = ChildProcess(MODES[mode])
    if not mode.startswith("smtp"):
        return child, http(f"http://127.0.0.1:{child.port}/"), {}
    (folder / "t.txt").write_text("Thank you\n")
    settings = {"host": "127.0.0.1", "port": child.port, "tls": "none", "from": "a@charity.example", "subject": "Hi", "text": str(folder / "t.txt")}
    return child, {"connector": "email", "settings": settings}, {}


def http(url):
    return {"connector": "http", "settings": {"url": url, "repeat": "keyed"}}


def arrivals(log):
    """When each event was at the well receiver, by its id."""
    at = {}
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        at[entry["path"].rsplit("/", 1)[1]] = entry["at_us"]
    return at


class Run:
    def __init__(self, mode, folder, args):
        self.folder, self.args = folder, args
        folder.mkdir()
        self.receiver = Receiver(log=folder / "arrived")
        self.child, bad, env = bad_target(mode, folder)
        if args.no_breaker:
            bad["breaker"] = {"consecutive": 1000000, "minimum": 1024, "window": 1024, "ratio": 1}
        targets = {"well": http(f"http://{self.receiver.address}/well/{{{{id}}}}"), "twin": http(f"http://{self.receiver.address}/twin"), "bad": bad}
        self.gateway = Gateway(folder / "gateway", {
            "sources": {name: {"verify": "none", "map": "."} for name in targets}, "targets": targets,
            "routes": [{"name": name, "match": {"source": name}, "steps": [{"target": name}]} for name in targets]}, env).start()
        self.spans, self.serial = {"twin": [], "bad": []}, 0
        for source in ("well", "bad"):  # the first TLS connection of all reads the authorities, once a day
            self.load(source, f"warm-{source}", 100)

    def words(self, source, prefix, count, rate):
        return ["--to", f"127.0.0.1:{self.gateway.port}", "--path", f"/in/{source}", "--prefix", prefix, "--count", str(count), "--rate", str(rate)]

    def load(self, source, prefix, count, rate=WELL_RATE):
        return tool("load", *self.words(source, prefix, count, rate), "--acks", self.folder / "acks")

    def pause(self, verb):
        subprocess.run([str(ALMONER), "target", verb, "bad", "--config", str(self.gateway.config)], check=True, capture_output=True)

    def phase(self, beside):
        """One stretch of load beside `twin` or `bad`; the spans from when an event was due until it was delivered."""
        self.serial += 1
        seconds = self.args.seconds
        self.pause("resume" if beside == "bad" else "pause")
        other = subprocess.Popen([str(TOOLS / "almoner-load"), *self.words(beside, f"o{self.serial}", int(BAD_RATE * seconds), BAD_RATE)],
                                 stdout=subprocess.DEVNULL)
        self.load("well", f"p{self.serial}", int(WELL_RATE * seconds))
        other.wait()
        due = {line.split()[0]: int(line.split()[1]) for line in (self.folder / "acks").read_text().splitlines()}
        wait_until("all is delivered", lambda: len(due.keys() & arrivals(self.folder / "arrived").keys()) == len(due), 60)
        at = arrivals(self.folder / "arrived")
        self.spans[beside].append([at[event] - due_us for event, due_us in due.items()])

    def figures(self):
        for i in range(self.args.rounds):
            for beside in ("twin", "bad") if i % 2 == 0 else ("bad", "twin"):
                self.phase(beside)
        result = {}
        for beside, phases in self.spans.items():
            ordered = [sorted(phase) for phase in phases]
            result[f"{beside}_p50_ms"] = median(spans[len(spans) // 2] for spans in ordered) / 1000
            result[f"{beside}_p99_ms"] = median(spans[(len(spans) - 1) * 99 // 100] for spans in ordered) / 1000
        result["p99_ratio"] = result["bad_p99_ms"] / result["twin_p99_ms"]
        result["p50_ratio"] = result["bad_p50_ms"] / result["twin_p50_ms"]
        result["peak_mib"] = kib(self.gateway.process.pid, "VmHWM") / 1024
        return result

    def close(self):
        self.gateway.process.kill()
        self.gateway.process.wait()
        self.receiver.stop()
        if self.child:
            self.child.stop()
        shutil.rmtree(self.folder)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("modes", nargs="*", metavar="MODE", help="some of: " + " ".join(MODES))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each half of a round")
    parser.add_argument("--no-breaker", action="store_true", help="the bad target is tried as often as its limits and waits allow")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--dir", help="where the stores go")
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="almoner-neighbours-", dir=args.dir))
    print(f"{WELL_RATE} events/s to the well target, {BAD_RATE}/s to the other; {BUILD.name}", flush=True)
    print(f"{'the other is bad by':24}{'p50 ms, well':>13}{'bad':>7}{'p99 ms, well':>14}{'bad':>7}{'p99 ratio':>11}{'memory MiB':>12}", flush=True)
    try:
        for mode in args.modes or MODES:
            run = Run(mode, folder / mode, args)
            try:
                r = run.figures()
            finally:
                run.close()
            print(json.dumps({"mode": mode, **r}) if args.json else
                  f"{mode:24}{r['twin_p50_ms']:13.2f}{r['bad_p50_ms']:7.2f}{r['twin_p99_ms']:14.2f}{r['bad_p99_ms']:7.2f}{r['p99_ratio']:11.2f}"
                  f"{r['peak_mib']:12.1f}", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
