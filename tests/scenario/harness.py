"""A real gateway, real receivers and real senders for one scenario, in a folder of its own.

Nothing sleeps for a fixed time: `wait_until` polls a condition with a deadline. Only loopback, only ports the kernel gives."""
import base64
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

BUILD = pathlib.Path(os.environ.get("ALMONER_BUILD", pathlib.Path(__file__).parents[2] / "build")).resolve()
ALMONER = BUILD / "almoner"
SINK = BUILD / "gateway" / "sink" / "almoner-sink"
SLOW = float(os.environ.get("ALMONER_SLOW", "1"))  # sanitizers: deadlines are stretched, never expectations
_tick = threading.Event()


def wait_until(what, condition, seconds=20.0):
    """Waits until condition() is true and gives its value."""
    end = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        _tick.wait(0.01)


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def equal(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: found {found!r}, wanted {wanted!r}")


class SkippedScenario(Exception):
    """The scenario cannot run on this machine; the text gives the reason."""


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30 * SLOW)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Sink:
    """almoner-sink: each path is a receiver of its own (gateway/sink/README.md)."""

    def __init__(self, log=None):
        command = [str(SINK), "--http", "127.0.0.1:0", "--smtp", "127.0.0.1:0"]
        if log:
            command += ["--log", str(log)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.http = int(self.process.stdout.readline().split(":")[-1])
        self.smtp = int(self.process.stdout.readline().split(":")[-1])

    def url(self, path):
        return f"http://127.0.0.1:{self.http}{path}"

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=60 * SLOW)
        connection.request(method, "/_control" + path, body=json.dumps(body) if body is not None else None)
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        if reply.status not in (200, 408):
            raise AssertionError(f"sink refused {path}: {reply.status} {text!r}")
        return json.loads(text)

    def set_behaviour(self, path, *acts, **more):
        self.call("POST", path, {"reply": list(acts), **more})

    def stats(self, path, entries=False):
        return self.call("GET", path + ("?entries=1" if entries else ""))

    def count(self, path, counter="requests"):
        return self.stats(path).get(counter, 0)

    def entries(self, path):
        return self.stats(path, entries=True)["entries"]

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20 * SLOW)
        self.process.stdout.close()


class Gateway:
    """One daemon with its configuration and store. `config` is the configuration as a dict without listen and store."""

    def __init__(self, folder, config, env=None):
        self.folder = pathlib.Path(folder)
        self.config_path = self.folder / "almoner.json"
        self.env = {**os.environ, **(env or {})}
        self.process = None
        self.port = None
        self.config = config
        self.log_path = self.folder / "gateway.log"
        self.socket_path = self.folder / "almoner.sock"
        self.write(config)

    def write(self, config):
        self.config = config
        whole = {"listen": {"intake": "127.0.0.1:0", "admin": ["unix:almoner.sock"]},
                 "store": {"url": "sqlite:almoner.db", "reserve": "1MiB"}, **config}
        fresh = self.config_path.with_suffix(".new")
        fresh.write_text(json.dumps(whole, indent=1), encoding="utf-8")
        fresh.replace(self.config_path)

    def start(self, wait=True, before_exec=None):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([str(ALMONER), "serve", "--config", str(self.config_path)], stderr=log,
                                            stdout=log, cwd=self.folder, env=self.env, preexec_fn=before_exec)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self):
        def answers():
            if self.process.poll() is not None:
                raise AssertionError(f"the gateway ended with {self.process.returncode}:\n{self.log()[-3000:]}")
            try:
                return self.admin("GET", "/v1/status")
            except (OSError, http.client.HTTPException):
                return None
        self.port = wait_until("the gateway answers", answers)["intake"]["port"]

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(timeout=60 * SLOW)
        equal(code, 0, f"exit code after {how!r}\n{self.log()[-3000:]}")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def reload(self, config, taken=True):
        """Writes the configuration, sends SIGHUP and waits for the verdict."""
        word = "event=reloaded" if taken else "event=reload_refused"
        before = self.log().count(word)
        self.write(config)
        self.process.send_signal(signal.SIGHUP)
        wait_until(word, lambda: self.log().count(word) > before)

    # ---- talking to it

    def admin(self, method, path, body=None):
        connection = UnixConnection(self.socket_path)
        try:
            connection.request(method, path, body=json.dumps(body) if body is not None else None)
            reply = connection.getresponse()
            text = reply.read().decode()
        finally:
            connection.close()
        lines = [json.loads(line) for line in text.splitlines() if line]
        return lines[0] if len(lines) == 1 and not path.startswith("/v1/sagas?") else lines

    def cli(self, *words, code=0, stdin=subprocess.DEVNULL):
        done = subprocess.run([str(ALMONER), *map(str, words), "--config", str(self.config_path)], capture_output=True, text=True,
                              cwd=self.folder, env=self.env, stdin=stdin, timeout=120 * SLOW, check=False)
        if code is not None and done.returncode != code:
            raise AssertionError(f"almoner {' '.join(map(str, words))}: exit {done.returncode}, wanted {code}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def cli_error(self, *words, code):
        done = subprocess.run([str(ALMONER), *map(str, words), "--config", str(self.config_path)], capture_output=True, text=True,
                              cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, timeout=120 * SLOW, check=False)
        equal(done.returncode, code, f"exit code of almoner {' '.join(map(str, words))}: {done.stderr}")
        return done.stderr

    def rows(self, *words):
        return [json.loads(line) for line in self.cli(*words, "--json").splitlines()]

    def sagas(self, *filters):
        return self.rows("saga", "list", *filters)

    def saga(self, number):
        return self.rows("saga", "show", number)[0]

    def target(self, name):
        return next(t for t in self.rows("target", "list") if t["name"] == name)

    def post(self, source, body, headers=None, path=None):
        """Status and JSON (or None) of one event posted."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=40 * SLOW)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request("POST", path or f"/in/{source}", body=raw, headers={"Content-Type": "application/json", **(headers or {})})
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        try:
            return reply.status, json.loads(text) if text else None
        except ValueError:
            return reply.status, None

    def accepted(self, source, body, headers=None):
        status, reply = self.post(source, body, headers)
        check(status in (200, 202), f"not accepted: {status} {reply}")
        return reply["saga"]

    def wait_saga(self, number, state, seconds=20.0):
        def settled():
            saga = self.saga(number)
            return saga if saga["state"] == state else None
        try:
            return wait_until(f"saga {number} is {state}", settled, seconds)
        except AssertionError as failed:
            raise AssertionError(f"{failed}\n{self.cli('saga', 'show', number, code=None)}") from failed

    def wait_all(self, state, count, seconds=60.0):
        def settled():
            return self.admin("GET", "/v1/status")["sagas"][state] >= count
        wait_until(f"{count} sagas {state}", settled, seconds)


# ---- signing, as each platform does

def sign_stripe(secret, body, at=None):
    at = int(time.time()) if at is None else at
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={at},v1={mac}"}


def sign_standard(secret, body, message, at=None, prefix="webhook"):
    at = int(time.time()) if at is None else at
    key = base64.b64decode(secret.split("_", 1)[1])
    mac = base64.b64encode(hmac.new(key, f"{message}.{at}.".encode() + body, hashlib.sha256).digest()).decode()
    return {f"{prefix}-id": message, f"{prefix}-timestamp": str(at), f"{prefix}-signature": f"v1,{mac}"}


def sign_github(secret, body, delivery):
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(), "X-GitHub-Delivery": delivery}


# ---- small parts of configurations

def http_target(url, repeat="keyed", **more):
    settings = {"url": url, "repeat": repeat, **more.pop("settings", {})}
    return {"connector": "http", "settings": settings, "retry": {"first": "100ms", "cap": "2s"},
            "breaker": {"consecutive": 1000, "minimum": 1000, "window": 1000}, **more}


def route(*steps, **more):
    return [{"name": "donations", "match": {"source": "*", "type": "donation.*"},
             "steps": [s if isinstance(s, dict) else {"target": s} for s in steps], **more}]


INTERNAL = {"internal": {"verify": "none", "map": "."}}


def donation(number, donor="anna@example.org", minor=2500, **more):
    return {"id": f"ev-{number}", "type": "donation.created", "gift": f"gift-{number}",
            "donor": {"email": donor, "name": "Anna Example"}, "amount": {"minor": minor, "currency": "EUR"}, **more}


# ---- running

class Fixture:
    """What a scenario gets: a folder, and sinks and gateways that are stopped after it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.ending = []

    def sink(self, **more):
        sink = Sink(**more)
        self.ending.append(sink.stop)
        return sink

    def gateway(self, config, env=None, start=True, name="gateway"):
        folder = self.folder / name
        folder.mkdir()
        gateway = Gateway(folder, config, env)

        def end():
            if gateway.process is not None and gateway.process.poll() is None:
                gateway.process.kill()
                gateway.process.wait()
        self.ending.append(end)
        return gateway.start() if start else gateway


def main(scenarios):
    """Runs the functions given, or those named on the command line; exit code 1 when one fails."""
    chosen = [s for s in scenarios if s.__name__ in sys.argv[1:]] or scenarios
    failed = 0
    for scenario in chosen:
        folder = tempfile.mkdtemp(prefix="almoner-scenario-")
        fixture = Fixture(folder)
        began = time.monotonic()
        try:
            scenario(fixture)
            verdict = "ok"
        except SkippedScenario as why:
            verdict = f"skipped: {why}:"
        except Exception:  # pylint: disable=broad-except
            traceback.print_exc()
            verdict = "FAILED"
            failed += 1
        for end in reversed(fixture.ending):
            try:
                end()
            except Exception:  # pylint: disable=broad-except
                traceback.print_exc()
                verdict = "FAILED at its end"
                failed += 1
        print(f"{verdict:8} {scenario.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
        if verdict.startswith("FAILED"):
            for log in pathlib.Path(folder).rglob("*.log"):
                print(f"---- {log.name}\n{log.read_text(errors='replace')[-4000:]}")
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0
