#!/usr/bin/env python3
"""What a person does at the command line, against a real daemon; and without one."""
import json
import os
import pathlib
import pty
import re
import signal
import socket
import subprocess
import sys

from harness import ALMONER, BUILD, INTERNAL, SLOW, UnixConnection, check, donation, equal, http_target, main, route, wait_until

TESTS = pathlib.Path(__file__).resolve().parents[1]


def crm_only(fixture, sink, **more):
    return fixture.gateway({"sources": INTERNAL, "targets": {"crm": http_target(sink.url("/crm"), **more)}, "routes": route("crm")})


def send_events(gateway, count, first=0):
    return [gateway.accepted("internal", donation(n, donor=f"d{n}@example.org")) for n in range(first, first + count)]


def rejected(fixture, count, **more):
    """A gateway with `count` rejected sagas; the receiver works again."""
    sink = fixture.sink()
    gateway = crm_only(fixture, sink, **more)
    ids = []
    for n in range(0, count, 15):  # twenty in a row would hold the target
        sink.set_behaviour("/crm", {"status": 422})
        ids += send_events(gateway, min(15, count - n), first=n)
        gateway.wait_all("attention", len(ids))
        sink.set_behaviour("/crm")
        gateway.wait_saga(gateway.accepted("internal", donation(f"well-{n}", donor=f"w{n}@example.org")), "completed")
    return sink, gateway, ids


def run(gateway, *words, **more):
    return subprocess.run([str(ALMONER), *map(str, words)], capture_output=True, text=True, cwd=gateway.folder, stdin=subprocess.DEVNULL,
                          timeout=60 * SLOW, check=False, **more)


def locate_daemon(fixture):
    """--config after the verb, before it, as --config=, and ALMONER_CONFIG; options anywhere."""
    sink, gateway, ids = rejected(fixture, 1)
    path = str(gateway.config_path)
    for words in (("saga", "list", "--json", "--config", path), ("--config", path, "saga", "list", "--json"),
                  ("saga", f"--config={path}", "list", "--json")):
        done = run(gateway, *words)
        equal((done.returncode, len(done.stdout.splitlines())), (0, 2), f"{words}: {done.stderr}")
    done = run(gateway, "saga", "--json", "show", ids[0], env={**os.environ, "ALMONER_CONFIG": path})
    equal(done.returncode, 2, "the verb's words stand together")
    done = run(gateway, "saga", "show", "--json", ids[0], env={**os.environ, "ALMONER_CONFIG": path})
    equal(json.loads(done.stdout)["id"], ids[0], "ALMONER_CONFIG")
    done = run(gateway, "status", "--config", fixture.folder / "nowhere.json")
    equal(done.returncode, 3, "no such file")
    check("nowhere.json" in done.stderr, f"names the file: {done.stderr}")
    equal(run(gateway, "status", "--config").returncode, 2, "--config without a file")
    nowhere = {**os.environ, "ALMONER_CONFIG": str(fixture.folder / "nowhere.json")}
    done = run(gateway, "saga", "resume", "--help", env=nowhere)
    equal((done.returncode, "--redo-in-doubt" in done.stdout), (0, True), f"help needs no configuration: {done.stderr}")
    equal(run(gateway, "saga", "retry", 1, env=nowhere).returncode, 2, "neither does wrong usage")


def list_filters(fixture):
    """Newest 50 and how many more; each filter finds its own and leaves the others out."""
    sink = fixture.sink()
    gateway = fixture.gateway({
        "sources": {**INTERNAL, "other": {"verify": "none", "map": "."}},
        "targets": {"crm": http_target(sink.url("/crm")), "books": http_target(sink.url("/books"))},
        "routes": [{"name": "other", "match": {"source": "other", "type": "donation.*"}, "steps": [{"target": "books"}]},
                   {"name": "rest", "match": {"source": "*", "type": "donation.*"}, "steps": [{"target": "crm"}]}]})
    send_events(gateway, 55)
    sink.set_behaviour("/books", {"status": 422})
    last = gateway.accepted("other", donation(1000, donor="Zoe@Example.org"))
    gateway.wait_all("attention", 1)
    gateway.wait_all("completed", 55)
    table = gateway.cli("saga", "list")
    rows = [line for line in table.splitlines() if line.strip()[:1].isdigit()]
    equal(len(rows), 50, "rows of the table")
    check(rows[0].split()[0] == str(last), "newest first")
    check("6 older" in table, f"how many more: {table.splitlines()[-1]}")
    equal(len(gateway.sagas()), 56, "--json gives all")
    equal(len(gateway.sagas("--limit", 3)), 3, "--limit")
    for filters in (("--state", "attention"), ("--target", "books"), ("--outcome", "rejected"), ("--source", "other"),
                    ("--donor", "zoe@example.org"), ("--event", "ev-1000"), ("--attention", "rejected")):
        equal([s["id"] for s in gateway.sagas(*filters)], [last], f"{filters}")
        check("older" not in gateway.cli("saga", "list", *filters), "no more of them")
    equal(len(gateway.sagas("--newer", "1h")), 56, "age, newer")
    equal(gateway.sagas("--older", "1h"), [], "age, older")
    equal(gateway.sagas("--state", "completed", "--target", "books"), [], "filters are joined")
    for bad in (("--state", "lost"), ("--older", "soon"), ("--colour", "red"), ("--limit", "x"), ("--state",)):
        gateway.cli_error("saga", "list", *bad, code=2)
    members = {"id", "state", "reason", "source", "event_id", "type", "gift", "key", "created_at", "steps"}
    check(members <= set(gateway.sagas("--limit", 1)[0]), "members of a saga")
    check({"name", "target", "state", "reason", "attempts", "next_at", "outcome", "detail", "result"}
          <= set(gateway.sagas("--limit", 1)[0]["steps"][0]), "members of a step")
    check({"name", "connector", "state", "reason", "breaker", "in_flight", "backlog"} <= set(gateway.target("crm")), "members of a target")


def bulk(fixture):
    """The count first, --dry-run, --yes, nothing matched; each saga once; the reason is kept."""
    sink, gateway, ids = rejected(fixture, 40)
    before = sink.count("/crm")
    out = gateway.cli("saga", "resume", "--all", "--dry-run")
    check("40 sagas match" in out, out)
    equal(gateway.rows("saga", "resume", "--all", "--dry-run")[0]["matched"], 40, "as JSON")
    error = gateway.cli_error("saga", "resume", "--all", code=1)
    check("--yes" in error, error)
    gateway.cli("saga", "resume", ids[0], "--dry-run")
    equal((sink.count("/crm"), len(gateway.sagas("--state", "attention"))), (before, 40), "nothing has moved")
    out = gateway.cli("saga", "resume", "--all", "--donor", "d7@example.org", "--yes", "--reason", "first one")
    check("1 of 1 saga" in out, out)
    out = gateway.cli("saga", "resume", "--state", "attention", "--all", "--yes", "--reason", "fund fixed")
    check(out.index("39 sagas match") < out.index("39 of 39"), f"the count comes first: {out}")
    gateway.wait_all("completed", 40 + 3)
    equal(sink.count("/crm") - before, 40, "each is sent once more")
    check("0 sagas match" in gateway.cli("saga", "resume", "--all", "--yes"), "nothing matched is no failure")
    check("0 sagas match" in gateway.cli("saga", "pause", "--all", "--yes"), "what is at rest is no match")
    shown = gateway.cli("saga", "show", ids[0])
    check("fund fixed" in shown and f"uid {os.getuid()}" in shown and "resume by" in shown, f"actor, verb, reason: {shown}")


def on_a_terminal(fixture):
    """On a terminal it asks; only yes goes ahead."""
    _, gateway, _ = rejected(fixture, 3)

    def answer_prompt(answer):
        parent, child = pty.openpty()
        command = [str(ALMONER), "saga", "resume", "--all", "--config", str(gateway.config_path)]
        with subprocess.Popen(command, stdin=child, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            os.close(child)
            os.write(parent, answer)
            out, _ = process.communicate(timeout=30 * SLOW)
        os.close(parent)
        return process.returncode, out
    code, out = answer_prompt(b"n\n")
    check(code == 1 and "3 sagas match" in out and "[y/N]" in out, f"no: {code} {out}")
    equal(len(gateway.sagas("--state", "attention")), 3, "nothing has moved")
    code, out = answer_prompt(b"y\n")
    equal(code, 0, f"yes: {out}")
    gateway.wait_all("completed", 4)


def behind_a_held_target(fixture):
    """Resume does not release a held or paused target: it says how many wait, and what ends it."""
    sink, gateway, ids = rejected(fixture, 4)
    gateway.cli("target", "pause", "crm", "--reason", "month's end")
    send_events(gateway, 3, first=100)
    wait_until("they wait", lambda: gateway.target("crm")["backlog"] == 3)
    out = gateway.cli("saga", "resume", "--all", "--yes")
    check("4 of 4 sagas changed" in out, out)
    check("7 steps wait because target crm" in out and "target resume crm" in out, f"all that wait: {out}")
    out = gateway.cli("saga", "resume", "--all", "--yes")
    check("0 sagas match" in out and "7 steps wait" in out, f"also when nothing moves: {out}")
    out = gateway.cli("saga", "resume", ids[0], ids[1])
    equal(out.count("target resume crm"), 2, f"also by number: {out}")
    target = gateway.target("crm")
    equal((target["state"], target["reason"]), ("paused", "month's end"), "still paused")
    gateway.cli("target", "resume", "crm")
    gateway.wait_all("completed", 8)


def doubt_is_left_standing(fixture):
    sink = fixture.sink()
    gateway = crm_only(fixture, sink, repeat="unsafe")
    sink.set_behaviour("/crm", {"mode": "close_after_body"})
    ids = send_events(gateway, 2)
    gateway.wait_all("attention", 2)
    sink.set_behaviour("/crm")
    out = gateway.cli("saga", "resume", "--all", "--yes")
    check("0 sagas match" in out and "2 steps are in doubt" in out, out)
    check("in doubt" in gateway.cli("saga", "resume", ids[0]), "by number, too")
    gateway.cli("saga", "resolve", ids[0], "crm", "--not-done", "--reason", "not there")
    gateway.wait_saga(ids[0], "completed_partial")
    gateway.cli("saga", "redo", ids[1], "crm", "--reason", "not there either")
    gateway.wait_saga(ids[1], "completed")


def exit_codes(fixture):
    sink, gateway, ids = rejected(fixture, 1)
    gateway.cli_error("saga", "show", 999, code=3)
    gateway.cli_error("saga", "show", "one", code=2)
    gateway.cli_error("saga", "resume", 999, code=3)
    gateway.cli_error("event", "show", "internal/none", code=3)
    gateway.cli_error("target", "show", "none", code=3)
    gateway.cli_error("target", "pause", "none", code=3)
    gateway.cli_error("connector", "describe", "none", code=3)
    described = json.loads(gateway.cli("connector", "describe", "http", "--json"))
    target = [t for t in described["targets"] if t["name"] == "crm"]
    check(target and target[0]["types"] is None and target[0]["repeat"] != "", f"what the target promises: {described['targets']}")
    check("takes events of every type" in gateway.cli("connector", "describe", "http"), "in words too")
    check("its sources: internal" in gateway.cli_error("source", "try", "none", "/dev/null", code=3), "names the sources")
    check("its sources: internal" in gateway.cli_error("send", "none", "/dev/null", code=3), "names the sources")
    check("its steps: crm" in gateway.cli_error("saga", "retry", ids[0], "bokos", code=3), "names the steps")
    gateway.cli_error("saga", "frobnicate", 1, code=2)
    check("saga resume" in gateway.cli_error("saga", code=2), "says what there is")
    gateway.cli("saga", "resume", "--help")
    gateway.cli("saga", "skip", ids[0], "crm")
    gateway.cli_error("saga", "retry", ids[0], "crm", code=1)
    gateway.cli_error("event", "reprocess", ids[0], code=1)
    gateway.stop()
    for words in (("saga", "resume", 1), ("saga", "resume", "--all", "--yes"), ("target", "pause", "crm"), ("event", "reprocess", 1)):
        check("almoner serve" in gateway.cli_error(*words, code=4), "says how to start it")


def without_a_daemon(fixture):
    """After kill -9 everything can still be read; the store is as it was."""
    sink, gateway, ids = rejected(fixture, 3)
    live = gateway.sagas()
    gateway.kill()
    equal(gateway.sagas(), live, "the same sagas")
    equal(gateway.rows("saga", "show", ids[0])[0]["state"], "attention", "show")
    check("attention 3" in gateway.cli("status"), "status")
    check("crm" in gateway.cli("backlog"), "backlog")
    equal(gateway.target("crm")["attention"], 3, "targets")
    equal(gateway.rows("verify")[0]["sound"], True, "verify")
    check(len(gateway.rows("log", "export")) > 9, "log export")
    gateway.cli("event", "show", "internal/ev-1")
    gateway.start()
    gateway.cli("saga", "resume", "--all", "--yes")
    gateway.wait_all("completed", 4)


def log_export(fixture):
    """Every record, one a line, without --json too; what people did stands in it."""
    sink, gateway, ids = rejected(fixture, 2)
    gateway.cli("saga", "skip", ids[0], "crm", "--reason", "naïve ✓ \"quoted\"")
    gateway.cli("target", "pause", "crm", "--reason", "lunch")
    plain = gateway.cli("log", "export")
    records = gateway.rows("log", "export")
    equal([json.loads(line) for line in plain.splitlines()], records, "the same with and without --json")
    numbers = [r["seq"] for r in records]
    equal(sorted(set(numbers)), list(range(1, max(numbers) + 1)), "gapless")
    verb = next(r for r in records if r["record"] == "verb")
    equal((verb["verb"], verb["note"], verb["id"]), ("skip", "naïve ✓ \"quoted\"", ids[0]), "the person's words")
    check(verb["actor"].startswith(f"uid {os.getuid()}"), f"the actor: {verb}")
    equal({r["step_name"] for r in records if "step" in r}, {"crm"}, "steps by name")
    equal({r["target"] for r in records if r["subject"] == "target"}, {"crm"}, "targets by name")
    equal([r["seq"] for r in gateway.rows("log", "export", "--after", numbers[-1] - 1)][-1], numbers[-1], "--after")


def source_try(fixture):
    """What a payload becomes, step by step; nothing is stored or sent."""
    sink = fixture.sink()
    config = {"sources": {**INTERNAL, "signed": {"preset": "github", "secrets": ["s"], "map": '. + {type: "donation.created"}'},
                          "stripe": {"preset": "stripe", "secrets": ["s"]}},
              "targets": {"crm": http_target(sink.url("/crm"))}, "routes": route("crm")}
    gateway = fixture.gateway(config)
    good = fixture.folder / "good.json"
    good.write_text(json.dumps(donation(1)))
    out = gateway.cli("source", "try", "internal", good)
    check("=> accepted" in out and "2500" in out, out)
    check("not verified" in gateway.cli("source", "try", "signed", good), "without headers: the rest is shown")
    gateway.cli_error("source", "try", "signed", good, "--header", "X-Hub-Signature-256: sha256=00", code=1)
    gateway.cli_error("source", "try", "internal", good, "--header", "nonsense", code=2)
    gateway.cli_error("source", "try", "internal", fixture.folder / "none.json", code=3)
    tried = json.loads(gateway.cli("source", "try", "internal", good, "--json"))
    check(tried["verified"] and tried["verdict"].startswith("accepted"), f"as JSON: {tried}")
    stripe = fixture.folder / "stripe.json"
    stripe.write_text(json.dumps({"id": "evt_7", "type": "customer.updated", "data": {"object": {"object": "customer", "id": "cus_1"}}}))
    check("event_id: evt_7" in gateway.cli("source", "try", "stripe", stripe), "an id of the body is known without headers")
    equal(gateway.admin("GET", "/v1/status")["accepted"], 0, "nothing is stored")
    out = gateway.cli("send", "signed", good)
    saga = json.loads(out)["saga"]
    gateway.wait_saga(saga, "completed")  # signed as the platform does, to the port the daemon got
    gateway.write({**config, "sources": {"signed": {**config["sources"]["signed"], "secrets": ["of the changed file"]}}})
    check("needs a reload" in gateway.cli_error("send", "signed", good, code=1), "why the daemon refuses what the new file signs")


def checking(fixture):
    """All errors at once, each with its place; as JSON, too."""
    gateway = fixture.gateway({"sources": {"a": {"preset": "stripe", "secrets": ["literal"]}}, "targets": {}, "routes": []}, start=False)
    equal(gateway.cli_error("check", code=0).count("/sources/a/secrets/0"), 1, "a literal secret is warned of, once")
    report = json.loads(gateway.cli("check", "--json"))
    check(report["ok"] and report["findings"][0]["pointer"] == "/sources/a/secrets/0", f"{report}")
    gateway.write({"sources": {"a": {"preset": "strype"}}, "targets": {"t": {"connector": "htp"}, "u": {"connecter": "http"}}, "routes": []})
    errors = gateway.cli_error("check", code=1)
    for part in ("strype", "htp", "connecter"):
        check(part in errors, f"{part} in {errors}")
    report = json.loads(gateway.cli("check", "--json", code=1))
    check(not report["ok"] and report["errors"] >= 3, f"{report}")
    gateway.start(wait=False)
    equal(gateway.process.wait(timeout=20 * SLOW), 1, "serve refuses, too")


def reloads(fixture):
    """Quick SIGHUPs end with the file's last state; listen and store need a restart; a target goes only without open steps."""
    sink, gateway, ids = rejected(fixture, 1)
    config = gateway.config
    for n in range(20):
        config["targets"][f"t{n}"] = http_target(sink.url(f"/t{n}"))
        gateway.write(config)
        gateway.process.send_signal(signal.SIGHUP)
    wait_until("the last state is taken", lambda: len(gateway.rows("target", "list")) == 21)
    # a target without open steps may go, one with them may not, and the refusal counts them
    for n in range(20):
        del config["targets"][f"t{n}"]
    gateway.reload(config)
    equal(len(gateway.rows("target", "list")), 1, "they are gone")
    gateway.reload({"sources": INTERNAL, "targets": {}, "routes": []}, taken=False)
    check("1 open step (" in gateway.log(), "with the count")
    gateway.reload({**config, "listen": {"intake": "127.0.0.1:0", "admin": ["unix:elsewhere.sock"]}}, taken=False)
    check("listen" in gateway.log().splitlines()[-1] and "restart" in gateway.log().splitlines()[-1], gateway.log()[-300:])
    gateway.reload({**config, "store": {"url": "sqlite:other.db"}}, taken=False)
    check("store" in gateway.log().splitlines()[-1], gateway.log()[-300:])
    gateway.reload({**config, "targts": {}}, taken=False)
    check("targets" in gateway.log(), "the log names what is wrong")
    gateway.write(config)
    gateway.process.send_signal(signal.SIGHUP)
    gateway.stop()  # in the middle of a reload, perhaps: it ends cleanly


def stops_in_a_reload(fixture):
    sink = fixture.sink()
    config = {"sources": INTERNAL, "targets": {f"t{n}": http_target(sink.url(f"/t{n}")) for n in range(40)}, "routes": route("t0")}
    gateway = fixture.gateway(config)
    for n in range(5):
        gateway.process.send_signal(signal.SIGHUP)
        gateway.stop()
        gateway.start()
    gateway.cli("verify")


def sockets(fixture):
    """Stale sockets, long paths, a port that is taken, one socket for two stores, something else in its place."""
    gateway = fixture.gateway({"sources": INTERNAL, "targets": {}, "routes": []})
    mode = os.stat(gateway.socket_path).st_mode & 0o7777
    equal(oct(mode), "0o660", "mode of the socket")
    gateway.kill()
    check(gateway.socket_path.exists(), "kill -9 leaves the socket")
    gateway.start()
    other = fixture.gateway({"sources": INTERNAL, "targets": {}, "routes": [],
                           "listen": {"intake": "127.0.0.1:0", "admin": [f"unix:{gateway.socket_path}"]}}, start=False, name="other")
    other.start(wait=False)
    equal(other.process.wait(timeout=20 * SLOW), 1, "one socket for two stores")
    check("another daemon" in other.log(), other.log())
    gateway.cli("status")
    other.write({"sources": INTERNAL, "targets": {}, "routes": [], "listen": {"intake": f"127.0.0.1:{gateway.port}", "admin": ["unix:almoner.sock"]}})
    other.start(wait=False)
    equal(other.process.wait(timeout=20 * SLOW), 1, "the port is taken")
    check(str(gateway.port) in other.log(), f"names it: {other.log()}")
    check(not other.socket_path.exists(), "and leaves nothing behind")
    long = "x" * 60 + "/" + "y" * 60 + "/almoner.sock"
    other.write({"sources": INTERNAL, "targets": {}, "routes": [], "listen": {"intake": "127.0.0.1:0", "admin": [f"unix:{long}"]}})
    other.socket_path = other.folder / long
    other.start(wait=False)
    wait_until("it answers on a long path", lambda: run(other, "status", "--json", "--config", other.config_path).stdout.startswith('{"daemon":true'))
    other.cli("target", "list")
    other.stop()
    check(not other.socket_path.exists(), "the socket is gone")
    precious = other.folder / "precious"
    precious.write_text("data")
    other.write({"sources": INTERNAL, "targets": {}, "routes": [], "listen": {"intake": "127.0.0.1:0", "admin": ["unix:precious"]}})
    other.start(wait=False)
    equal(other.process.wait(timeout=20 * SLOW), 1, "a file is no socket")
    equal(precious.read_text(), "data", "and stays")


def misbehaving_clients(fixture):
    """Clients that close or stall a stream, send too much, or send invalid UTF-8: the daemon continues, and stops in time."""
    gateway = crm_only(fixture, fixture.sink())
    send_events(gateway, 200)
    gateway.wait_all("completed", 200)
    for _ in range(5):
        connection = UnixConnection(gateway.socket_path)
        connection.request("GET", "/v1/log")
        connection.getresponse().read(10)
        connection.close()
    for size in (1, 4, 16):  # such clients send all of it before they read: they get to read the answer
        equal(gateway.post("internal", b"x" * (size * 1024 * 1024 + 1)), (413, {"error": "too large"}), f"{size} MiB and one byte")
    stalled = []
    for request in (b"GET /v1/log HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /v1/sa", b"POST /v1/bulk/pause HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n{"):
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(gateway.socket_path))
        client.sendall(request)
        stalled.append(client)
    for path in ("/v1/sagas?state=%ff", "/v1/targets/%ff", "/v1/events/%ff/%fe", "/v1/sagas?" + "a=1&" * 40):
        check("error" in json.dumps(gateway.admin("GET", path)), path[:30])
    gateway.cli("status")
    gateway.stop()
    for client in stalled:
        client.close()


def out_of_tree_connector(folder, pc, root):
    """The skeleton under a name of its own, built with the installed kit as connectors/README.md says, and held to the conformance suite."""
    source = folder / "mine.c"
    source.write_text((TESTS / "conformance" / "skeleton.c").read_text().replace('"skeleton"', '"mine"'))
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "almoner-kit"], capture_output=True, text=True, check=True,
                           env={**os.environ, "PKG_CONFIG_PATH": str(pc.parent), "PKG_CONFIG_SYSROOT_DIR": str(root)}).stdout.split()
    subprocess.run(["cc", "-shared", "-fPIC", "-fvisibility=hidden", "-o", folder / "mine.so", source, *flags], check=True)
    subprocess.run([BUILD / "tests" / "conformance" / "almoner-conformance", "mine.so", TESTS / "conformance" / "suites" / "skeleton.json", "1", "50"],
                   cwd=folder, check=True, stdout=subprocess.DEVNULL)


def installed(fixture):
    """An installation that lies elsewhere than the build meant; a connector built against its header and pkg-config file."""
    root = fixture.folder / "root"
    subprocess.run(["meson", "install", "-C", str(BUILD), "--no-rebuild", "--destdir", str(root)], check=True, stdout=subprocess.DEVNULL)
    program, pc = next(root.rglob("bin/almoner")), next(root.rglob("almoner-connector.pc"))
    equal((pc.parent.name, pc.parent.parent.name), ("pkgconfig", "share"), "where pkg-config looks whatever the library folder is")
    flags = subprocess.run(["pkg-config", "--cflags", "almoner-connector"], capture_output=True, text=True, check=True,
                           env={**os.environ, "PKG_CONFIG_PATH": str(pc.parent), "PKG_CONFIG_SYSROOT_DIR": str(root)}).stdout.split()
    source = (TESTS / "abi" / "old.c").read_text().replace('"tests/abi/almoner_connector_1_0.h"', "<almoner_connector.h>")
    (fixture.folder / "own").mkdir()
    (fixture.folder / "old.c").write_text(source)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", fixture.folder / "own" / "old.so", fixture.folder / "old.c", *flags,
                    "-DOLD_MINOR=0", '-DOLD_NAME="old"'], check=True)
    out_of_tree_connector(fixture.folder / "own", pc, root)
    gateway = fixture.gateway({"sources": INTERNAL, "targets": {}, "routes": [], "connectors": {"path": str(fixture.folder / "own")}}, start=False)
    done = subprocess.run([program, "connector", "list", "--json", "--config", gateway.config_path], capture_output=True, text=True, check=True)
    found = {one["name"]: one["origin"] for one in map(json.loads, done.stdout.splitlines())}
    equal(found, {**dict.fromkeys(("accounting", "crm", "email", "http"), "prefix"), "old": "connectors.path", "mine": "connectors.path"}, "where connectors came from")


def the_demo(fixture):
    """`demo --seconds 1` tells its story and leaves nothing behind; Ctrl-C, also twice, ends it cleanly."""
    env = {**os.environ, "TMPDIR": str(fixture.folder)}
    done = subprocess.run([str(ALMONER), "demo", "--seconds", "1"], capture_output=True, text=True, env=env, timeout=60 * SLOW, check=False)
    equal(done.returncode, 0, done.stdout + done.stderr)
    check("saga" in done.stdout and "ALMONER_CONFIG=" in done.stdout and "At the end:" in done.stdout, done.stdout)
    equal(list(fixture.folder.glob("almoner-demo-*")), [], "its folder is gone")
    equal(run_in(fixture, "demo", "--seconds", "x"), 2, "seconds that are none")
    for presses in (1, 2):
        with subprocess.Popen([str(ALMONER), "demo"], stdout=subprocess.PIPE, text=True, env=env) as demo:
            for line in demo.stdout:
                if "Ctrl-C" in line:
                    break
            for _ in range(presses):
                demo.send_signal(signal.SIGINT)
            demo.stdout.read()
            equal(demo.wait(timeout=60 * SLOW), 0, f"exit after {presses} times Ctrl-C")
        equal(list(fixture.folder.glob("almoner-demo-*")), [], "its folder is gone")


def the_manual_page(_fixture):
    """Every command and every option of every command, as --help tells them, stands in almoner(1)."""
    page = (TESTS.parent / "config" / "man" / "almoner.1").read_text(encoding="utf-8")
    plain = " ".join(re.sub(r"\b(It|Cm|Fl|Ar|Oo|Oc|Op|Li)\b|[.,|\"]", " ", page).split())

    def help_of(*words):
        return subprocess.run([str(ALMONER), *words, "--help"], capture_output=True, text=True, check=True).stdout
    commands = [words.split() for words in re.findall(r"^  ([a-z]+(?: [a-z]+)?) ", help_of(), re.M)]
    columns = {line.index(help) for help in ("run the gateway until", "sign an event as", "list the options of a", "map quarantined events")
               for line in help_of().splitlines() if help in line}
    equal(len(columns), 1, f"the help of short and long rows begins in one column: {columns}")
    check(len(commands) > 30, f"the commands of --help: {commands}")
    missing = []
    for words in commands:
        options = set(re.findall(r"--([a-z-]+)", help_of(*words))) - {"help"}
        missing += [] if f" {' '.join(words)} " in plain else [" ".join(words)]
        missing += [f"{' '.join(words)} --{option}" for option in options if f" -{option} " not in plain and f"--{option} " not in plain]
    equal(missing, [], "what the manual page lacks")


def run_in(fixture, *words):
    return subprocess.run([str(ALMONER), *words], capture_output=True, cwd=fixture.folder, timeout=30 * SLOW, check=False).returncode


if __name__ == "__main__":
    sys.exit(main([locate_daemon, list_filters, bulk, on_a_terminal, behind_a_held_target, doubt_is_left_standing, exit_codes,
                   without_a_daemon, log_export, source_try, checking, reloads, stops_in_a_reload, sockets, misbehaving_clients, installed, the_demo,
                   the_manual_page]))
