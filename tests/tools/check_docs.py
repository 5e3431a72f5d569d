#!/usr/bin/env python3
"""Fails on a reference to a document, heading, file, function or link that does not exist.

Why: a comment that cites a missing document costs the reader a search, and the reader stops trusting comments.
(a) There is one form for a reference to a document, in comments and in Markdown: the path from the root and the
    heading in quotes, `saga/DESIGN.md "Outcome classes"`. In Markdown the path may also begin at the file's own
    folder. `DESIGN §7`, `saga/DESIGN.md §7` and a comma before the heading are breaches. A document that is named
    without a heading must exist (from the root or beside the file).
(b) In Markdown: a relative link leads to a file (and its #anchor to a heading). A path in backticks that begins with
    a folder of the repository exists; `*` and `{a,b}` stand for several, a part in capitals (connectors/NAME) for
    any. `path: name, name` means that the file
    holds these identifiers. A bare `name.c` or `name.h` in backticks is the name of a file of the tree.
(c) In C comments: a path or a bare name that ends in .c or .h is a file of the tree or an included system header.
Only text between /* */ and // counts in C; in Python, shell and meson files the whole text."""
import fnmatch
import glob
import itertools
import re
import sys

import csource

SKIP_FOLDERS = ("build", ".git", "subprojects", "__pycache__")
MARKDOWN_HOSTS = ("*.py", "*.sh", "meson.build", "*.md", ".ci/*")
SHOWS_BREACHES = ("tests/tools/check_docs.py", "tests/tools/test_checks.py")
NOT_OURS = {"sqlite3.c"}  # files of others that a comment may name

# A document, then perhaps a heading in quotes or a section number.
REFERENCE = re.compile(r'(?<![\w./-])((?:[\w.-]+/)*[\w-]+\.md)\b(?:(,?)\s+"([^"\n]{2,80})"|\s*,?\s*(§\s*[\w.]*))?')
BARE_SECTION = re.compile(r"\bDESIGN\s*(?:§|section)\s*\w*")
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
TICKS = re.compile(r"`([^`\n]+)`")
C_FILE = re.compile(r"(?<![\w./*-])((?:[\w.-]+/)*[A-Za-z_][\w.-]*\.[ch])\b(?![\w/])")
PATH = re.compile(r"[\w./*{},-]+")


class Tree:
    """The files of the tree and the headings of its documents."""

    def __init__(self, root):
        self.root = root
        self.files = sorted(str(f.relative_to(root)) for f in root.rglob("*") if f.is_file() and not any(
            part.startswith(SKIP_FOLDERS) for part in f.relative_to(root).parts[:-1]))
        self.names = {f.rsplit("/", 1)[-1] for f in self.files}
        self.tops = {f.split("/", 1)[0] for f in self.files if "/" in f}
        self.included = set()
        self.cache = {}

    def text(self, path):
        if path not in self.cache:
            self.cache[path] = (self.root / path).read_text(encoding="utf-8", errors="replace")
        return self.cache[path]

    def headings(self, path):
        bare = re.sub(r"(?ms)^\s*```.*?^\s*```", "", self.text(path))
        return [re.sub(r"[`*]", "", h).strip() for h in re.findall(r"(?m)^#{1,6}\s+(.*?)\s*#*$", bare)]

    def anchors(self, path):
        return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in self.headings(path)}

    def exists(self, path):
        return (self.root / path).exists()

    def find(self, path, beside):
        """The path from the root of a file named in `beside`; None when there is none."""
        folder = beside.rsplit("/", 1)[0] + "/" if "/" in beside else ""
        for candidate in (path, folder + path):
            normal = re.sub(r"[^/]+/\.\./", "", candidate.replace("/./", "/"))
            if self.exists(normal):
                return normal
        return None


def references(tree, path, text, number, markdown):
    """Breaches among the references to documents in a text without line ends inside; `number` gives lines."""
    for m in BARE_SECTION.finditer(text):
        if not text[m.end():m.end() + 3] == ".md":
            yield number(m.start()), f'"{m.group()}" names no file; write path/DESIGN.md "Heading"'
    for m in REFERENCE.finditer(text):
        name, comma, heading, section = m.groups()
        heading = heading and " ".join(heading.split())  # a comment may break the line inside it
        found = tree.find(name, path) if markdown or "/" not in name else name if tree.exists(name) else None
        if section is not None:
            yield number(m.start()), f'"{m.group()}": write {name} "Heading"'
        elif found is None:
            yield number(m.start()), f"{name} does not exist"
        elif heading is not None and re.sub(r"[`*]", "", heading) not in tree.headings(found):
            yield number(m.start()), f'{found} has no heading "{heading}"'
        elif heading is not None and (comma or (not markdown and found != name)):
            yield number(m.start()), f'"{m.group()}": write {found} "{heading}"'


def flat(text):
    """The text with line ends and the marks of comment lines as spaces; the offsets stay the same."""
    return re.sub(r"\n[ \t]*(?:\*(?!/)|#+(?= )|//)?", lambda m: " " * len(m.group()), text)


def in_c(tree, path):
    text = tree.text(path)
    for offset, comment in csource.comments_of(text):
        words = flat(comment)

        def number(at, offset=offset):
            return csource.line_at(text, offset + at)
        yield from references(tree, path, words, number, False)
        for m in C_FILE.finditer(words):
            name = m.group(1)
            if name in tree.included or name in NOT_OURS or (name in tree.names if "/" not in name else
                                                            tree.find(name, path) is not None):
                continue
            yield number(m.start()), f"{name} does not exist"


def alternatives(path):
    """saga/{a,b}.c -> saga/a.c, saga/b.c"""
    pieces = [p.split(",") if i % 2 else [p] for i, p in enumerate(re.split(r"\{([^{}]*)\}", path))]
    return ["".join(p) for p in itertools.product(*pieces)]


def ticked(tree, path, inside):
    """What is wrong with a text in backticks; None when nothing is."""
    m = re.match(r"([\w./*{},-]+?)(?::(\d+|\s[\w, *()]+))?$", inside)
    if m is None:
        return None
    name, of_file = m.group(1).rstrip("/"), m.group(2)
    top = name.split("/", 1)[0]
    if "/" in name and (top in tree.tops or top == ".."):
        for one in alternatives(name):
            if not re.search(r"(?:^|/)[A-Z]+(?:$|[/.])", one.removesuffix(".md")) and not glob.glob(str(tree.root / one)) and tree.find(one, path) is None:
                return f"{one} does not exist"
    elif re.fullmatch(r"[\w-]+\.[ch]", name):
        if name not in tree.names and name not in tree.included:
            return f"{name} does not exist"
    else:
        return None
    if of_file is None or not of_file.startswith(" ") or "*" in name or "{" in name:
        return None
    files = [name] if tree.exists(name) else [f for f in tree.files if f.endswith("/" + name)]
    for word in re.findall(r"[A-Za-z_]\w+", of_file):
        if not any(re.search(rf"\b{word}\b", tree.text(f)) for f in files):
            return f"{name} has no {word}"
    return None


def in_markdown(tree, path):
    text = tree.text(path)
    bare = re.sub(r"(?ms)^\s*```.*?^\s*```", lambda m: re.sub(r"[^\n]", " ", m.group()), text)

    def number(at):
        return csource.line_at(text, at)
    yield from references(tree, path, flat(bare), number, True)
    for m in LINK.finditer(bare):
        link, _, anchor = m.group(1).partition("#")
        if re.match(r"[a-z]+:", m.group(1)):
            continue
        found = tree.find(link, path) if link else path
        if found is None:
            yield number(m.start()), f"the link {m.group(1)} leads to no file"
        elif anchor and found.endswith(".md") and anchor not in tree.anchors(found):
            yield number(m.start()), f"{found} has no heading for #{anchor}"
    for m in TICKS.finditer(bare):
        wrong = ticked(tree, path, m.group(1))
        if wrong is not None:
            yield number(m.start()), wrong


def main():
    root = csource.start(__doc__, needs_ctags=False)
    tree = Tree(root)
    for path in tree.files:
        if path.endswith((".c", ".h")):
            tree.included |= {name for full in re.findall(r"^\s*#\s*include\s+<([^>]+)>", tree.text(path), re.M)
                              for name in (full, full.rsplit("/", 1)[-1])}
    found, count = [], 0
    for path in tree.files:
        if path in SHOWS_BREACHES:
            continue  # it shows what a breach looks like
        if path.endswith((".c", ".h")):
            breaches = list(in_c(tree, path)) if not csource.frozen(path) else []
        elif path.endswith(".md"):
            breaches = list(in_markdown(tree, path))
        elif any(fnmatch.fnmatch(path, h) or path.endswith("/" + h) for h in MARKDOWN_HOSTS):
            words = flat(tree.text(path))
            breaches = list(references(tree, path, words, lambda at, p=path: csource.line_at(tree.text(p), at), True))
        else:
            continue
        count += 1
        found += [f"{path}:{line}: {what}" for line, what in sorted(set(breaches))]
    return csource.finish(count, found)


if __name__ == "__main__":
    sys.exit(main())
