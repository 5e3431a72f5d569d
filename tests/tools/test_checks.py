#!/usr/bin/env python3
"""Sees each check of this folder pass on a small good tree and fail on a planted breach, and tries the parts of
mutate.py that need no build (needs Universal Ctags; without it exits 77).

Why: a check that never fails is no check, and a pattern that stops matching fails silently."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import check_layers
import csource
import mutants

HERE = pathlib.Path(__file__).resolve().parent

ASSERTS = "\tassert(count < 10);\n\tassert(count != 7);\n"
LONG_BODY = "".join(f"\tcount += {n};\n" for n in range(16))

GOOD = {
    "README.md": "# Small\n\n## Modules\n\n[saga](saga/README.md), [there](saga/README.md#the-way), "
                 "`saga/journal/journal.h`, `saga/journal/front/queue.c: queue_put`, `saga/{journal,model}/*.h`.\n",
    "saga/README.md": "# Saga\n\n## The way\n\nSee `README.md` and README.md \"Modules\".\n",
    "saga/journal/journal.h": "/* See saga/README.md \"The way\". */\nstruct journal {\n\tint count;\n};\n"
                              "int journal_begin(int count);\nint journal_end(int count);\n",
    "saga/journal/journal.c": '#include "saga/journal/journal.h"\n#include "saga/journal/front/queue.h"\n'
                              f"int journal_begin(int count)\n{{\n{ASSERTS}\treturn queue_put(count);\n}}\n",
    "saga/journal/shutdown.c": '#include "saga/journal/journal.h"\n'
                               f"int journal_end(int count)\n{{\n{ASSERTS}\treturn count;\n}}\n",
    "saga/journal/front/queue.h": "int queue_put(int count);\n",
    "saga/journal/front/queue.c": '#include "saga/journal/front/queue.h"\nstatic int after(int count)\n{\n'
                                  "\treturn count; /* journal.c */\n}\n\n"
                                  "/* Later callers wait until the disk has taken the earlier ones. */\n"
                                  f"int queue_put(int count)\n{{\n{ASSERTS}{LONG_BODY}\treturn after(count);\n}}\n",
    "saga/model/step.h": "enum step_state {\n\tSTEP_READY,\n\tSTEP_DONE,\n};\nint step_next(int count);\n",
    "saga/model/step.c": '#include "saga/model/step.h"\n#include "saga/journal/journal.h"\n'
                         f"int step_next(int count)\n{{\n{ASSERTS}\tif (count < 3 && count != 1)\n"
                         "\t\treturn STEP_READY;\n\treturn STEP_DONE;\n}\n",
    "connectors/kit/text.h": "int kit_text_add(int count);\n",
    "connectors/kit/text.c": f'#include "connectors/kit/text.h"\nint kit_text_add(int count)\n{{\n{ASSERTS}'
                             "\treturn count;\n}\n",
    "gateway/admin/api.c": f"int api_begin(int count);\nint api_begin(int count)\n{{\n{ASSERTS}\treturn count;\n}}\n",
    "gateway/cli/cli.c": f"int cli_begin(int count);\nint cli_begin(int count)\n{{\n{ASSERTS}\treturn count;\n}}\n",
}

# check, what is planted, file, text to replace (None: the file is new or grows), new text, what the check must print
BREACHES = [
    ("calls", "a circle", "saga/journal/front/queue.c", "return after(count)", "return journal_begin(count)",
     "queue_put -> journal_begin (saga/journal/journal.c)"),
    ("calls", "a circle by a macro", "saga/journal/front/queue.c", None, "#define AGAIN(x) journal_begin(x)\n",
     "AGAIN -> journal_begin"),
    ("names", "a prefix that names no file", "saga/journal/shutdown.c", None,
     "int stop_now(void);\nint stop_now(void)\n{\n\treturn 0;\n}\n", "stop_now: begin it with shutdown_"),
    ("names", "a module's prefix without its header", "saga/journal/shutdown.c", None,
     "int journal_now(void)\n{\n\treturn 0;\n}\n", "journal_now: begin it with"),
    ("names", "a kit function without kit_", "connectors/kit/text.c", "kit_text_add", "text_add", "kit_text_"),
    ("names", "a tag that exists twice", "gateway/cli/cli.c", None, "struct journal {\n\tint other;\n};\n",
     "struct journal exists 2 times"),
    ("names", "an enum and a struct of one name", "gateway/cli/cli.c", None, "struct step_state {\n\tint other;\n};\n",
     "step_state exists 2 times"),
    ("names", "a function that exists twice", "gateway/cli/cli.c", None, "int cli_twice(void)\n{\n\treturn 1;\n}\n\nint cli_twice(void)\n{\n\treturn 2;\n}\n",
     "cli_twice exists 2 times"),
    ("names", "a private word", "gateway/cli/cli.c", None, "static int seat_count;\n", '"seat" is a private word'),
    ("docs", "a section of no file", "saga/model/step.h", None, "/* DESIGN §7 */\n", '"DESIGN §7" names no file'),
    ("docs", "a section by its number", "saga/model/step.h", None, "/* see saga/README.md §7 */\n", "README.md §7"),
    ("docs", "a heading that is gone", "saga/model/step.h", None, "/* saga/README.md\n * \"Old way\" */\n",
     'saga/README.md has no heading "Old way"'),
    ("docs", "a comma before the heading", "saga/model/step.h", None, "/* saga/README.md, \"The way\" */\n",
     'write saga/README.md "The way"'),
    ("docs", "a document that is gone", "saga/model/step.h", None, "/* saga/DESIGN.md */\n", "DESIGN.md does not exist"),
    ("docs", "a file that is gone", "saga/model/step.h", None, "/* see seat.c */\n", "seat.c does not exist"),
    ("docs", "a link that leads nowhere", "README.md", None, "[x](saga/model/README.md)\n", "leads to no file"),
    ("docs", "an anchor that is gone", "README.md", None, "[x](saga/README.md#old-way)\n", "no heading for #old-way"),
    ("docs", "a path that is gone", "README.md", None, "`saga/store/store.h`\n", "saga/store/store.h does not exist"),
    ("docs", "a name that the file lacks", "README.md", None, "`queue.c: queue_take`\n", "queue.c has no queue_take"),
    ("comments", "a module with few assertions", "gateway/cli/cli.c", ASSERTS, "", "gateway/cli: 0.0 assertions"),
    ("comments", "assertions of null only", "gateway/cli/cli.c", ASSERTS + "\treturn count;\n",
     "\tassert(a != NULL);\n\tassert(b && c != NULL);\n\tassert(d);\n" + "\tcount++;\n" * 200, "gateway/cli: 4.8 assertions"),
    ("comments", "no comment above a long function", "saga/journal/front/queue.c",
     "/* Later callers wait until the disk has taken the earlier ones. */\n", "", "0.0 % of the functions"),
    ("comments", "a comment that repeats the name", "saga/journal/front/queue.c",
     "Later callers wait until the disk has taken the earlier ones.", "Puts a count into the queue.", "0.0 % of the"),
    ("comments", "a banner above a long function", "saga/journal/front/queue.c",
     "/* Later callers wait until the disk has taken the earlier ones. */",
     "/* ---- later callers wait until the disk has taken the earlier ones ---- */", "0.0 % of the functions"),
]

# tests/tools/check_calls.py must not see these as calls of another file
NO_CALLS = "static int (*table[])(int) = { journal_begin };\n/* journal_begin(1) */\n" \
           "int queue_look(struct x *x)\n{\n\treturn x->journal_begin(1) + puts(\"journal_begin(1)\");\n}\n"


class Tree(unittest.TestCase):
    """A copy of the good tree."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for path, text in GOOD.items():
            self.put(path, text)
        for top in csource.TOPS + ("tests",):
            (self.root / top).mkdir(exist_ok=True)

    def put(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def run_script(self, name, *arguments):
        return subprocess.run([sys.executable, str(HERE / name), "--root", str(self.root), *arguments],
                              capture_output=True, text=True, check=False)


class Checks(Tree):
    def test_the_good_tree_passes(self):
        for check in ("calls", "names", "docs", "comments"):
            with self.subTest(check):
                done = self.run_script(f"check_{check}.py")
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertRegex(done.stdout.splitlines()[-1], r"^\d+ files read, 0 breaches$")

    def test_each_planted_breach_is_found(self):
        for check, what, path, old, new, printed in BREACHES:
            with self.subTest(f"{check}: {what}"):
                before = GOOD[path]
                if old is not None:
                    self.assertIn(old, before)
                self.put(path, before + new if old is None else before.replace(old, new))
                done = self.run_script(f"check_{check}.py")
                self.put(path, before)
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                self.assertIn(printed, done.stdout)
                self.assertRegex(done.stdout.splitlines()[-1], r"^\d+ files read, [1-9]\d* breaches$")

    def test_an_empty_tree_is_no_success(self):
        for check in ("calls", "names", "docs", "comments"):
            with self.subTest(check), tempfile.TemporaryDirectory() as empty:
                self.root = pathlib.Path(empty)
                self.assertEqual(self.run_script(f"check_{check}.py").returncode, 1)

    def test_layers_fences_headers_and_calls(self):
        for path, text, printed in (
                ("gateway/admin/api.c", '#include "gateway/engine/engine.h"\n', "includes gateway/engine/engine.h"),
                ("gateway/admin/api.c", "int f(void)\n{\n\treturn journal_verb(j);\n}\n", "calls journal_verb"),
                ("gateway/daemon/reload.c", "\tjournal_accept(j, a);\n", "calls journal_accept")):
            with self.subTest(text):
                found = list(check_layers.breaches(path, text)) + list(check_layers.calls(path, text))
                self.assertEqual(len(found), 1, found)
                self.assertIn(printed, found[0])
        for path, text in (
                ("gateway/cell/command.c", "\tjournal_verb(j);\n"), ("tests/sim/process.c", "\tjournal_pump(j);\n"),
                ("gateway/admin/api.c", "\t/* journal_verb(j) */\n\tjournal_counts_finish(&c);\n")):
            with self.subTest(text):
                self.assertEqual(list(check_layers.calls(path, text)), [])

    def test_what_is_no_direct_call(self):
        self.put("saga/journal/front/queue.c", GOOD["saga/journal/front/queue.c"] + NO_CALLS)
        done = self.run_script("check_calls.py")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_a_static_function_hides_the_extern_one(self):
        self.put("saga/journal/front/queue.c", GOOD["saga/journal/front/queue.c"].replace("after", "journal_begin"))
        done = self.run_script("check_calls.py")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_draw_is_repeatable_and_shows_no_line(self):
        self.put("gateway/cli/cli.c", 'static const char *help = "shows what became "\n\t"of one event";\n'
                                      'static const char *sql = "SELECT a FROM b WHERE c AND d IS NULL";\n')
        key = self.root / "key"
        first = self.run_script("draw_texts.py", "--seed", "3", "--comments", "5", "--messages", "5", "--key", str(key))
        again = self.run_script("draw_texts.py", "--seed", "3", "--comments", "5", "--messages", "5")
        self.assertEqual(first.stdout, again.stdout)
        self.assertIn("1. queue.c: Later callers wait until", first.stdout)
        self.assertIn("2. cli.c: shows what became of one event", first.stdout)
        self.assertNotIn("SELECT", first.stdout)
        self.assertEqual(key.read_text(), "1\tsaga/journal/front/queue.c:7\n2\tgateway/cli/cli.c:1\n")

    def test_only_whole_texts_are_drawn(self):
        self.put("gateway/cli/cli.c", '#define TEXT \\\n\t"the step is named \\"%s\\" " \\\n\t"in its plan"\n'
                                      "struct s {\n\tint a; /* the first line of the member */\n"
                                      "\t       /* and the second line of it */\n"
                                      "\t/* This comment is about another member. */\n\tint b;\n};\n")
        drawn = self.run_script("draw_texts.py", "--seed", "3", "--comments", "9", "--messages", "9").stdout
        self.assertIn('cli.c: the step is named "%s" in its plan\n', drawn)
        self.assertIn("cli.c: the first line of the member and the second line of it\n", drawn)
        self.assertIn("cli.c: This comment is about another member.\n", drawn)


class Mutants(Tree):
    """The parts of mutate.py that need no build."""

    def points(self):
        found = {}
        path = "saga/model/step.c"
        for (_, line), points in mutants.collect(self.root, [path]).items():
            for p in points:
                found.setdefault(p.operator, []).append((line, p))
        return path, csource.read(self.root, path), found

    def test_each_operator_finds_its_place(self):
        self.put("saga/model/step.c", GOOD["saga/model/step.c"].replace(
            "\treturn STEP_DONE;", "\tcount = count + 2;\n\tstep_next(count);\n\tif (!true)\n\t\treturn 5;\n\treturn STEP_DONE;"))
        _, _, found = self.points()
        self.assertEqual(set(found), {"relation", "equality", "logic", "arithmetic", "truth", "negate", "constant",
                                      "call", "assignment", "return", "enumerator"})

    def test_assertions_are_left_alone(self):
        _, raw, found = self.points()
        asserts = [n for n, line in enumerate(raw.splitlines(), 1) if "assert" in line]
        self.assertFalse([line for points in found.values() for line, _ in points if line in asserts])

    def test_a_result_is_found_again_after_lines_and_files_moved(self):
        path, raw, found = self.points()
        line, point = found["logic"][0]
        record = json.loads(json.dumps(mutants.record(raw, path, line, point)))
        self.put("saga/model/next/other.c", "\n\n/* more lines */\n" + raw)
        (self.root / path).unlink()
        where, text = mutants.locate(self.root, record)
        self.assertEqual(where, "saga/model/next/other.c")
        self.assertIn("count < 3 || count != 1", text)
        self.assertIn("+\tif (count < 3 || count != 1)", mutants.diff(where, csource.read(self.root, where), text))
        self.put(where, raw.replace("count < 3", "count < 4"))
        self.assertIsNone(mutants.locate(self.root, record))


if __name__ == "__main__":
    if not csource.have_ctags():
        print("no Universal Ctags: nothing is tested")
        sys.exit(csource.SKIPPED)
    unittest.main()
