#!/usr/bin/env python3
"""Mutation testing: changes one place of the code, and sees whether the unit and simulation suites notice.

    tests/tools/mutate.py --seed 7 --count 150 --out results.jsonl [--jobs 2] [--only 'saga/model/*']
    tests/tools/mutate.py --rerun results.jsonl --out again.jsonl       the survivors, on the present tree
    tests/tools/mutate.py --reapply results.jsonl ID                    one mutant as a patch
    tests/tools/mutate.py --summary results.jsonl --equivalent equivalent.jsonl

Not in CI: a run takes hours. Needs Universal Ctags, meson, ninja; ccache makes it faster.
A mutant is one change on a line drawn at random from the code in WHERE (all lines have the same weight): a negated
condition, < for <=, == for !=, && for ||, + for -, true for false, a constant one up or down, a call or an assignment
left out, another early return value, another enumerator of the same enum.
Each job has a copy of the tree and a build of its own (`--work`, kept when named). A mutant that does not compile, or
whose object code is the same as before (-O2 -g0), is discarded and another one is drawn. Only the tests that contain
the mutated file run (the others cannot notice): first those that have found a mutant of this file or module, then
those in a folder of the module's name, then the quick ones. The first failure ends the run; a test that fails is run
again, so that a test that fails now and then counts as none. A test that takes longer than its limit has noticed.
Each line of the results is JSON and holds the old and new lines with those around them, so that the mutant can be
found again after lines and files have moved. A run with the same --out goes on where it ended.
An equivalent mutant cannot be noticed: --equivalent FILE holds lines {"id": …, "why": "one sentence"}; these are
subtracted."""
import argparse
import collections
import fcntl
import fnmatch
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import csource
import mutants

ROOT = pathlib.Path(__file__).resolve().parents[2]
WHERE = ("saga/", "gateway/engine/", "gateway/intake/", "connectors/kit/")
SUITES = ("unit", "sim")
LIMIT_S = 180  # for one test
# The leak sanitizer notices a forgotten free(), as the address sanitizer does in CI, but costs no time.
SETUP = ("-Ddebug=false", "-Doptimization=2", "-Db_ndebug=false", "-Dc_link_args=-fsanitize=leak")
ONE_BY_ONE = 3  # this many tests are linked alone before the rest is linked together


class Job:
    """One copy of the tree with its build."""

    def __init__(self, folder, ninja_jobs):
        self.tree, self.build, self.temporary = folder / "tree", folder / "build", folder / "tmp"
        self.ninja_jobs, self.running = ninja_jobs, None
        self.temporary.mkdir(parents=True, exist_ok=True)
        listing = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True,
                                 capture_output=True).stdout.decode().split("\0")
        names = {n for n in listing if n and (ROOT / n).is_file()}
        for name in names:
            self.put(name, (ROOT / name).read_bytes(), (ROOT / name).stat().st_mode)
        for file in self.tree.rglob("*"):
            if file.is_file() and str(file.relative_to(self.tree)) not in names:
                file.unlink()
        if not (self.build / "build.ninja").exists():
            self.call(["meson", "setup", str(self.build), str(self.tree), *SETUP])
        self.ninja()

    def put(self, name, content, mode=None):
        """Writes a file of the copy; an unchanged one keeps its time."""
        file = self.tree / name
        if file.exists() and file.read_bytes() == content:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        if mode is not None:
            file.chmod(mode)

    def call(self, command):
        done = subprocess.run(command, cwd=self.tree, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
        return done.stdout

    def ninja(self, *targets):
        """Builds; exits when that fails."""
        self.call(["ninja", "-C", str(self.build), "-j", str(self.ninja_jobs), *targets])

    def builds(self, targets):
        return subprocess.run(["ninja", "-C", str(self.build), "-j", str(self.ninja_jobs), *targets],
                              capture_output=True, check=False).returncode == 0

    def run(self, test, limit):
        """None: passed or skipped; else "failed", "signal N" or "timeout"."""
        environment = {**os.environ, **test.environment, "TMPDIR": str(self.temporary)}
        with subprocess.Popen([a.replace("@BUILD@", str(self.build)).replace("@TREE@", str(self.tree))
                               for a in test.command], cwd=self.build, env={
                                   k: v.replace("@BUILD@", str(self.build)) for k, v in environment.items()},
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              start_new_session=True) as process:
            self.running = process
            try:
                code = process.wait(limit)
            except subprocess.TimeoutExpired:
                code = "timeout"
            self.stop()
            process.wait()
            self.running = None
        for left in self.temporary.iterdir():
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() and not left.is_symlink() else left.unlink()
        if code == "timeout":
            return "timeout"
        return None if code in (0, 77) else f"signal {-code}" if code < 0 else "failed"


    def stop(self):
        """Ends the test that runs, and what a test left running."""
        if self.running is not None:
            try:
                os.killpg(self.running.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


class Test:
    """One test of the suites: its command, the files in it, and how long it takes."""

    def __init__(self, name, command, environment, targets, inputs):
        self.name, self.command, self.environment = name, command, environment
        self.targets, self.inputs = targets, inputs
        self.seconds = 0.0

    def limit(self):
        return min(LIMIT_S, 30 + 10 * self.seconds)


def load_tests(job):
    """The tests of SUITES, with paths of the build and the tree as @BUILD@ and @TREE@."""
    def introspect(what):
        return json.loads(job.call(["meson", "introspect", str(job.build), what]))
    by_id = {t["id"]: [str(pathlib.Path(f).relative_to(job.build)) for f in t["filename"]
                       if f.startswith(str(job.build))] for t in introspect("--targets")}

    def general(text):
        return text.replace(str(job.build), "@BUILD@").replace(str(job.tree), "@TREE@")
    found = []
    for t in introspect("--tests"):
        if not any(s.rsplit(":", 1)[-1] in SUITES for s in t["suite"]):
            continue
        targets = sorted({f for d in t["depends"] for f in by_id.get(d, ())})
        inputs = set()
        for line in job.call(["ninja", "-C", str(job.build), "-t", "inputs", *targets]).splitlines():
            file = (job.build / line).resolve()
            if file.is_relative_to(job.tree):
                inputs.add(str(file.relative_to(job.tree)))
        found.append(Test(t["name"], [general(a) for a in t["cmd"]],
                          {k: general(v) for k, v in t["env"].items()}, targets, inputs))
    return found


def load_objects(job):
    """source -> [(object, its bytes)]"""
    objects = collections.defaultdict(list)
    for entry in json.loads((job.build / "compile_commands.json").read_text()):
        source = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        made = job.build / entry["output"]
        if source.is_relative_to(job.tree) and made.exists():
            objects[str(source.relative_to(job.tree))].append((entry["output"], made.read_bytes()))
    return objects


class Session:
    """The draw, the tests, and the file of results; shared by the jobs."""

    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        self.kills = collections.Counter()
        self.done = {}
        self.counted = 0
        self.end = time.monotonic() + 60 * options.minutes if options.minutes else None
        self.known = {}
        if options.out.exists():
            with open(options.out, encoding="utf-8") as lines:
                self.known = {r["id"]: r for r in map(json.loads, lines)}
        self.plan = self.survivors() if options.rerun else self.draw()
        self.tests = []

    def survivors(self):
        """The mutants of an earlier run that were not noticed, in the present tree."""
        equivalent = read_equivalent(self.options.equivalent)
        for found in read_results(self.options.rerun):
            if found["result"] != "survived" or found["id"] in equivalent:
                continue
            place = mutants.locate(ROOT, found)
            if place is None:
                self.write({**found, "result": "gone", "seconds": 0})
            else:
                yield {**found, "file": place[0]}, place[1]

    def draw(self):
        """Mutants without end, the same for the same seed and tree."""
        only = self.options.only
        paths = [p for p in csource.sources(ROOT, pattern="*.c") if p.startswith(WHERE if only is None else "")
                 and (only is None or fnmatch.fnmatch(p, only))]
        places = mutants.collect(ROOT, paths)
        lines, chance, used = sorted(places), random.Random(self.options.seed), set()
        print(f"{sum(map(len, places.values()))} possible mutants on {len(lines)} lines of {len(paths)} files", flush=True)
        for _ in range(50 * self.options.count if lines else 0):
            path, line = chance.choice(lines)
            here = sorted(places[path, line], key=mutants.Point.key)
            operator = chance.choice(sorted({p.operator for p in here}))
            point = chance.choice([p for p in here if p.operator == operator])
            raw = csource.read(ROOT, path)
            found = mutants.record(raw, path, line, point)
            if found["id"] not in used:
                used.add(found["id"])
                yield found, raw[:point.start] + point.text + raw[point.end:]

    def write(self, found):
        with open(self.options.out, "a", encoding="utf-8") as out:
            out.write(json.dumps(found, ensure_ascii=False) + "\n")
        self.done[found["id"]] = found
        if found["result"] in ("caught", "survived", "gone"):
            print(f"{found['result']:8} {found['id']} {found['file']}:{found['line']} {found['operator']}"
                  f" {found.get('test', '')} {found['seconds']} s", flush=True)

    def next(self, job, objects):
        """Draws until a mutant compiles to other code; it is then in place in the job's tree. None: enough.
        One job at a time, so that the same seed counts the same mutants."""
        with self.lock:
            while not self.full():
                found, text = next(self.plan, (None, None))
                if found is None:
                    return None
                known = self.known.get(found["id"])
                if known is not None:
                    self.done[found["id"]] = known
                    self.counted += known["result"] in ("caught", "survived")
                elif self.try_one(job, objects, found, text):
                    self.counted += 1
                    return found
        return None

    def full(self):
        if self.end is not None and time.monotonic() > self.end:
            return True
        return not self.options.rerun and self.counted >= self.options.count

    def try_one(self, job, objects, found, text):
        path = found["file"]
        job.put(path, text.encode())
        same = False
        if path in objects and job.builds([name for name, _ in objects[path]]):
            same = all((job.build / name).read_bytes() == content for name, content in objects[path])
            if not same:
                return True
        self.write({**found, "result": "identical" if same else "invalid", "seconds": 0})
        job.put(path, (ROOT / path).read_bytes())
        return False

    def order(self, path):
        """The tests that contain the file, those first that are likely to notice."""
        module = csource.module_of(path)
        folder = module.rsplit("/", 1)[-1]
        return sorted((t for t in self.tests if path in t.inputs), key=lambda t: (
            -self.kills[t.name, path], -self.kills[t.name, module],
            folder not in t.name.split("-") and not any(f"/{folder}/" in f for f in t.targets), t.seconds))

    def run_tests(self, job, found):
        """Runs the tests on the mutant that is in place."""
        began, path = time.monotonic(), found["file"]
        tests = self.order(path)
        outcome = {"result": "survived"}
        for i, test in enumerate(tests):
            if i < ONE_BY_ONE:
                linked = job.builds(test.targets)
            elif i == ONE_BY_ONE:
                linked = job.builds(sorted({f for t in tests[i:] for f in t.targets}))
            if not linked:
                outcome = {"result": "caught", "test": test.name, "how": "the build fails"}
                break
            how = job.run(test, test.limit())
            if how is not None and how != "timeout":
                how = job.run(test, test.limit())
            if how is not None:
                outcome = {"result": "caught", "test": test.name, "how": how}
                break
        job.put(path, (ROOT / path).read_bytes())
        with self.lock:
            if outcome["result"] == "caught":
                self.kills[outcome["test"], path] += 1
                self.kills[outcome["test"], csource.module_of(path)] += 1
            self.write({**found, **outcome, "tests": len(tests), "seconds": round(time.monotonic() - began, 1)})

    def measure(self, job):
        """Runs each test once on the unchanged tree. A test that fails there says nothing and is left out."""
        self.tests = load_tests(job)
        for test in list(self.tests):
            began = time.monotonic()
            how = job.run(test, LIMIT_S)
            if how is not None:
                print(f"{test.name} {how} on the unchanged tree and is left out", flush=True)
                self.tests.remove(test)
            test.seconds = time.monotonic() - began
        print(f"{len(self.tests)} tests, {sum(t.seconds for t in self.tests):.0f} s together", flush=True)

    def work(self, job):
        objects = load_objects(job)
        while True:
            found = self.next(job, objects)
            if found is None:
                return
            self.run_tests(job, found)


def read_results(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def read_equivalent(path):
    """id -> why"""
    if path is None:
        return {}
    whys = {r["id"]: r.get("why", "") for r in read_results(path)}
    missing = [i for i, why in whys.items() if len(why.split()) < 3]
    if missing:
        sys.exit("no sentence that says why it is equivalent: " + " ".join(missing))
    return whys


def summary(results, equivalent):
    counts, modules, operators = collections.Counter(), collections.defaultdict(collections.Counter), \
        collections.defaultdict(collections.Counter)
    latest = {r["id"]: r for r in results}
    for r in latest.values():
        result = "equivalent" if r["id"] in equivalent and r["result"] == "survived" else r["result"]
        counts[result] += 1
        modules[csource.module_of(r["file"])][result] += 1
        operators[r["operator"]][result] += 1
    for title, table in (("module", modules), ("operator", operators)):
        print(f"{title:20} caught survived equivalent")
        for name, row in sorted(table.items()):
            if row["caught"] + row["survived"] + row["equivalent"]:
                print(f"{name:20} {row['caught']:6} {row['survived']:8} {row['equivalent']:10}")
    for r in latest.values():
        if r["result"] == "survived" and r["id"] not in equivalent:
            print(f"survived {r['id']} {r['file']}:{r['line']} {r['function']} ({r['operator']})")
            print("\n".join(["  - " + line for line in r["old"].split("\n")] +
                            ["  + " + line for line in r["new"].rstrip("\n").split("\n")]))
    total = counts["caught"] + counts["survived"]
    share = f"{100 * counts['caught'] / total:.1f} %" if total else "none"
    print(f"{total + counts['equivalent']} mutants, {counts['caught']} caught, {counts['survived']} survived, "
          f"{counts['equivalent']} equivalent, share caught {share} "
          f"(discarded: {counts['invalid']} do not compile, {counts['identical']} have the same object code"
          f"{', ' + str(counts['gone']) + ' are gone from the tree' if counts['gone'] else ''})")


def reapply(results, wanted):
    for found in read_results(results):
        if found["id"] == wanted:
            place = mutants.locate(ROOT, found)
            if place is None:
                print(f"{wanted}: its lines are gone from the tree")
                return 1
            print(mutants.diff(place[0], csource.read(ROOT, place[0]), place[1]), end="")
            return 0
    print(f"{wanted}: no such mutant in {results}")
    return 1


def mutate(options):
    if not csource.have_ctags():
        print("no Universal Ctags: nothing is mutated")
        return csource.SKIPPED
    folder = options.work or pathlib.Path(tempfile.mkdtemp(prefix="mutate-"))
    folder.mkdir(parents=True, exist_ok=True)
    alone = open(folder / "lock", "w", encoding="utf-8")  # held until the script ends
    try:
        fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"another run works in {folder}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    session, jobs = Session(options), []
    try:
        ninja_jobs = max(1, (os.cpu_count() or 1) // options.jobs)
        for n in range(options.jobs):
            jobs.append(Job((folder / f"job{n}").resolve(), ninja_jobs if n else os.cpu_count() or 1))
        session.measure(jobs[0])
        jobs[0].ninja_jobs = ninja_jobs
        threads = [threading.Thread(target=session.work, args=(job,), daemon=True) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        for job in jobs:
            job.stop()
        if options.work is None:
            shutil.rmtree(folder, ignore_errors=True)
    summary(session.done.values(), read_equivalent(options.equivalent))
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=150, help="mutants that compile to other code")
    parser.add_argument("--only", help="files to mutate, as a pattern from the root")
    parser.add_argument("--out", type=pathlib.Path, help="the results, one JSON object a line")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--minutes", type=float, help="draw no more after this time; run again to go on")
    parser.add_argument("--work", type=pathlib.Path, help="folder for the copies and builds; kept for the next run")
    parser.add_argument("--equivalent", type=pathlib.Path, help='JSON lines {"id": …, "why": …}')
    parser.add_argument("--rerun", type=pathlib.Path, metavar="RESULTS", help="run the survivors on the present tree")
    parser.add_argument("--reapply", nargs=2, metavar=("RESULTS", "ID"), help="print one mutant as a patch")
    parser.add_argument("--summary", type=pathlib.Path, metavar="RESULTS", help="print the summary of earlier results")
    options = parser.parse_args()
    if options.reapply:
        return reapply(*options.reapply)
    if options.summary:
        summary(read_results(options.summary), read_equivalent(options.equivalent))
        return 0
    if options.out is None or options.out == options.rerun:
        parser.error("--out is missing, or is the file that is read")
    return mutate(options)


if __name__ == "__main__":
    sys.exit(main())
