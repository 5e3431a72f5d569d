"""Reads C source for the checks beside this file: comments, strings, functions, modules.

It holds no list of file names: a module is a folder, so a check goes on working when files move."""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

TOPS = ("saga", "config", "connectors", "gateway")  # product code; tests/ is named where a check reads it too
ONE_MODULE = ("config",)  # a top-level folder that is one module with all its subfolders
FROZEN = ("connectors/almoner_connector.h", "tests/abi/")  # the public interface: its names never change

SKIPPED = 77
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


@dataclass
class Tag:
    """One definition that ctags reports."""
    name: str
    path: str
    line: int
    end: int
    kind: str
    scope: str


def blank(text, comments=True, strings=True):
    """The text with comments and the insides of strings as spaces; offsets and lines stay the same."""
    def replace(match):
        token = match.group()
        if token[0] == "/":
            return re.sub(r"[^\n]", " ", token) if comments else token
        return token[0] + re.sub(r"[^\n]", " ", token[1:-1]) + token[-1] if strings else token
    return TOKEN.sub(replace, text)


def comments_of(text):
    """(offset, comment) of every comment, with the marks that begin and end it."""
    return [(m.start(), m.group()) for m in TOKEN.finditer(text) if m.group()[0] == "/"]


def plain(comment):
    """The words of a comment, on one line, without the marks."""
    inner = re.sub(r"^/\*+|\*+/$|^//+", "", comment.strip())
    return " ".join(re.sub(r"^\s*\*(?!\w)", "", line).strip() for line in inner.splitlines()).strip()


def is_banner(comment):
    """A section banner such as `/* ---- targets (targets.c) ---- */`."""
    return re.search(r"[-=]{2,}", comment) is not None and re.match(r"/[*/]+\s*[-=]{2,}", comment) is not None


def line_at(text, offset):
    return text.count("\n", 0, offset) + 1


def closing(text, offset):
    """The offset of the bracket that closes the one at `offset`; -1 when there is none. `text` is blanked."""
    pairs, depth = {"(": ")", "{": "}", "[": "]"}, 0
    opens = text[offset]
    shuts = pairs[opens]
    for i in range(offset, len(text)):
        depth += (text[i] == opens) - (text[i] == shuts)
        if depth == 0:
            return i
    return -1


def frozen(path):
    return any(path == f or path.startswith(f) for f in FROZEN)


def module_of(path):
    """saga/journal/ops/accept.c -> saga/journal; gateway/main.c -> gateway; config/presets/x.c -> config."""
    parts = path.split("/")
    if parts[0] in ONE_MODULE or len(parts) < 3:
        return parts[0]
    return "/".join(parts[:2])


def sources(root, tops=TOPS, pattern="*.[ch]"):
    """Paths from the root, sorted."""
    found = []
    for top in tops:
        found += [str(f.relative_to(root)) for f in (root / top).rglob(pattern) if f.is_file()]
    return sorted(found)


def read(root, path):
    return (root / path).read_text(encoding="utf-8")


def tags(root, paths, kinds="f"):
    """Definitions of the given ctags kinds (f function, s struct, u union, g enum, e enumerator, d macro)."""
    if not paths:
        return []
    form = "%{line}\t%{end}\t%K\t%{scope}\t%N\t%F"
    listing = subprocess.run(["ctags", "-x", f"--c-kinds={kinds}", "--languages=C", "--langmap=C:.c.h",
                              "--fields=+neZ", f"--_xformat={form}", "-L", "-"], cwd=root, input="\n".join(paths),
                             capture_output=True, text=True, check=True).stdout
    found = []
    for row in listing.splitlines():
        line, end, kind, scope, name, path = row.split("\t")
        found.append(Tag(name, path, int(line), int(end) if end.isdigit() else int(line), kind, scope.strip()))
    return found


@dataclass
class Function:
    """A function with its text; `head` is blanked and reaches from the return type to the opening brace."""
    name: str
    path: str
    line: int   # where the name stands
    end: int
    first: int  # where the return type begins
    head: str
    body: str   # blanked, from { to }
    body_at: int  # offset of { in the file
    static: bool


def functions(root, paths):
    """Every function definition in the files, in the order of path and line. What a macro makes is not seen."""
    texts, raw, found = {}, {}, []
    for tag in sorted(tags(root, paths), key=lambda t: (t.path, t.line)):
        text = texts.get(tag.path)
        if text is None:
            raw[tag.path] = read(root, tag.path)
            text = texts[tag.path] = re.sub(r"(?m)^[ \t]*#(?:[^\n]*\\\n)*[^\n]*",
                                            lambda m: re.sub(r"[^\n]", " ", m.group()), blank(raw[tag.path]))
        starts = [0] + [m.end() for m in re.finditer("\n", text)]
        name_at = re.compile(rf"\b{re.escape(tag.name)}\b").search(text, starts[tag.line - 1])
        brace = text.find("{", name_at.end()) if name_at else -1
        if brace < 0:
            continue
        begin = max(text.rfind(c, 0, name_at.start()) for c in ";}") + 1
        begin += len(text[begin:]) - len(text[begin:].lstrip())
        shut = closing(text, brace)
        if shut < 0 or re.search(rf"(?m)^\s*#\s*define\s+{tag.name}\b", raw[tag.path]):
            continue
        head = text[begin:brace]
        found.append(Function(tag.name, tag.path, tag.line, line_at(text, shut), line_at(text, begin), head,
                              text[brace:shut + 1], brace, re.search(r"\bstatic\b", head) is not None))
    return found


def have_ctags():
    if shutil.which("ctags") is None:
        return False
    return b"Universal" in subprocess.run(["ctags", "--version"], capture_output=True, check=False).stdout


def words_of(text):
    """Lower-case words; an identifier such as batch_log gives batch and log."""
    return re.findall(r"[a-z0-9]+", text.replace("_", " ").lower())


def start(doc, needs_ctags=True):
    """Reads --root and leaves with 77 when Universal Ctags is missing. Returns the root of the tree to read."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2],
                        help="the tree to read (default: the one this script is in)")
    root = parser.parse_args().root.resolve()
    if needs_ctags and not have_ctags():
        print("no Universal Ctags: nothing is checked")
        sys.exit(SKIPPED)
    return root


def finish(count, breaches):
    """Prints the breaches and the closing line; gives the exit code."""
    for line in breaches:
        print(line)
    print(f"{count} files read, {len(breaches)} breaches")
    return 1 if breaches or count == 0 else 0
