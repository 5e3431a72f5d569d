"""What bench.py and backlog.py share: programs started and read, a gateway and its receiver, CPU and memory out of /proc."""
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scenario"))
from harness import ALMONER, BUILD, SINK, UnixConnection, wait_until  # noqa: E402  pylint: disable=wrong-import-position

TOOLS = BUILD / "tests" / "bench"
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PATHS = ("/email", "/accounting", "/crm")


def tool(name, *words):
    """Runs one of the bench programs and gives the JSON it prints."""
    done = subprocess.run([str(TOOLS / f"almoner-{name}"), *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"almoner-{name} failed: {done.stderr.strip()}")
    return json.loads(done.stdout)


def median(values):
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


# ---- /proc

def thread_cpu(pid):
    """Seconds on a CPU by thread name, exact (the scheduler's own account, not ticks)."""
    used = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            name = (task / "comm").read_text().strip()
            used[name] = used.get(name, 0) + int((task / "schedstat").read_text().split()[0]) / 1e9
        except (FileNotFoundError, ProcessLookupError):
            pass  # it ended just now
    return used


def ticks(pid):
    """User and system seconds of a process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) * TICK_S, int(fields[12]) * TICK_S


def machine_busy():
    fields = [int(x) for x in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return (sum(fields[:3]) + sum(fields[5:7])) * TICK_S, fields[7] * TICK_S  # busy, stolen


def kib(pid, name, file="status"):
    for line in pathlib.Path(f"/proc/{pid}/{file}").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    return 0


class Sampler:
    """Peak proportional memory of a process, looked at twice a second."""

    def __init__(self, pid):
        self.pid, self.peak_kib, self.ending = pid, 0, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.ending.wait(0.5):
            self.sample()

    def sample(self):
        self.peak_kib = max(self.peak_kib, kib(self.pid, "Pss", "smaps_rollup"))

    def close(self):
        self.ending.set()
        self.thread.join()
        self.sample()
        return self.peak_kib


# ---- receivers and gateway

class Receiver:
    def __init__(self, log=None):
        command = [str(SINK), "--http", "127.0.0.1:0", "--no-record", "--quiet"] + (["--log", str(log)] if log else [])
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip().split()[-1].removeprefix("http://")

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


class Gateway:
    """The daemon as a user would run it: default settings, except those that the measurement needs."""

    def __init__(self, folder, config, env=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config = self.folder / "almoner.json"
        self.env = {**os.environ, **(env or {})}
        whole = {"listen": {"intake": "127.0.0.1:0", "admin": ["unix:a.sock"]}, "store": {"url": "sqlite:almoner.db"},
                 "sources": {"internal": {"verify": "none", "map": "."}}, **config}
        self.config.write_text(json.dumps(whole, indent=1))
        self.process = None

    def start(self):
        with open(self.folder / "gateway.log", "ab") as log:
            self.process = subprocess.Popen([str(ALMONER), "serve", "--config", str(self.config)], stderr=log, stdout=log,
                                            cwd=self.folder, env=self.env)
        self.port = wait_until("the gateway answers", self.is_ready, 30)["intake"]["port"]
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise SystemExit((self.folder / "gateway.log").read_text()[-3000:])
        try:
            return self.status()
        except OSError:
            return None

    def status(self):
        connection = UnixConnection(self.folder / "a.sock")
        try:
            connection.request("GET", "/v1/status")
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def completed(self):
        return self.status()["sagas"]["completed"]

    def wait_completed(self, count, seconds=300):
        """Waits until `count` sagas are completed; returns the time (CLOCK_MONOTONIC seconds) at which this was seen."""
        wait_until(f"{count} sagas completed", lambda: self.completed() >= count, seconds)
        return time.monotonic()

    def stop(self):
        self.process.terminate()
        self.process.wait()


def fanout_config(receiver, **more):
    targets = {path[1:]: {"connector": "http", "settings": {"url": f"http://{receiver.address}{path}", "repeat": "keyed"}} for path in PATHS}
    routes = [{"name": "donations", "match": {"source": "*", "type": "donation.*"}, "steps": [{"target": name} for name in targets]}]
    return {"targets": targets, "routes": routes, **more}
