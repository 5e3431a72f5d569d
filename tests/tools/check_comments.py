#!/usr/bin/env python3
"""Measures assertions and comments above functions; fails below the floors (needs Universal Ctags; else exits 77).

Why: an assertion states a contract where it is broken first, and a sentence above a long function says what the code
cannot. Both are easy to leave out, so the floors keep them.
Assertions: calls of `assert` for each 1,000 lines of code (without comments and empty lines) of a module's .c and
.h files, with ASSERT_FLOOR in the modules where a wrong call does harm. Assertions of one function that only say
that something is not null count as one together. `static_assert` does not count.
Comments: of the functions of LONG lines and more, the share with a comment directly above. A section banner does not
count, and neither does a comment that adds fewer than NEW_WORDS words to the words of the function's name."""
import collections
import re
import sys

import csource

ASSERT_FLOOR = 12.0  # for each 1,000 lines; CONTRIBUTING asks for it
ASSERT_MODULES = ("saga/journal", "saga/model", "gateway/admin", "gateway/cli", "connectors/kit")
COMMENT_FLOOR = 40.0  # percent of the long functions, over all modules
LONG = 15
NEW_WORDS = 3

STOP_WORDS = set("""a all also an and any are as at be been but by can do does each for from function gives has have he her
    if in into is it its may must no not of on one only or our out returns see so such than that the their them then
    there these they this those to up was we what when where which who will with you""".split())
ASSERT = re.compile(r"(?<![\w.])assert\s*(\()")
NOT_NULL = re.compile(r"\(*\s*!?\s*!?\s*[A-Za-z_][\w.\[\]]*(?:->[\w.\[\]]+)*\s*(?:!=\s*(?:NULL|0))?\s*\)*")
STEM = re.compile(r"(?:ing|ed|es|s)$")


class Figures:
    """What is counted of one module, or of all."""

    def __init__(self):
        self.lines = self.asserts = self.long = self.commented = 0

    def add(self, other):
        self.lines += other.lines
        self.asserts += other.asserts
        self.long += other.long
        self.commented += other.commented

    def density(self):
        return 1000 * self.asserts / self.lines if self.lines else 0.0

    def share(self):
        return 100 * self.commented / self.long if self.long else 0.0


def only_not_null(condition):
    """True for `x`, `x != NULL` and conjunctions of these."""
    return all(NOT_NULL.fullmatch(part.strip()) for part in condition.split("&&"))


def count_asserts(body):
    """Assertions in a blanked function body; those that only exclude null count as one."""
    count, null = 0, 0
    for m in ASSERT.finditer(body):
        end = csource.closing(body, m.start(1))
        if only_not_null(body[m.start(1) + 1:end]):
            null = 1
        else:
            count += 1
    return count + null


def comment_above(text, first):
    """The comment that ends on the line before line `first` and begins its own line; None when there is none."""
    lines = text.split("\n")
    start = sum(len(line) + 1 for line in lines[:first - 1])
    above = None
    for offset, comment in csource.comments_of(text[:start]):
        if text[offset + len(comment):start].strip(" \t") != "\n":
            continue
        if text[text.rfind("\n", 0, offset) + 1:offset].strip() == "":
            above = (above or "") + comment
    if above is not None and above.startswith("//"):
        taken = first - 1
        while taken > 0 and lines[taken - 1].lstrip().startswith("//"):
            taken -= 1
        above = "\n".join(lines[taken:first - 1])
    return above


def says_something(comment, name):
    """False for a banner and for a comment that repeats the name."""
    if csource.is_banner(comment):
        return False
    known = {STEM.sub("", w) for w in csource.words_of(name)}
    new = {STEM.sub("", w) for w in csource.words_of(csource.plain(comment)) if w not in STOP_WORDS}
    return len(new - known) >= NEW_WORDS


def main():
    root = csource.start(__doc__)
    modules = collections.defaultdict(Figures)
    paths = [p for p in csource.sources(root) if not csource.frozen(p)]
    texts = {}
    for path in paths:
        texts[path] = csource.read(root, path)
        code = csource.blank(texts[path])
        modules[csource.module_of(path)].lines += sum(1 for line in code.split("\n") if line.strip())
    without = []
    for f in csource.functions(root, paths):
        figures = modules[csource.module_of(f.path)]
        figures.asserts += count_asserts(f.body)
        if f.end - f.line + 1 < LONG:
            continue
        figures.long += 1
        comment = comment_above(texts[f.path], f.first)
        if comment is not None and says_something(comment, f.name):
            figures.commented += 1
        else:
            without.append(f"{f.path}:{f.line}: {f.name}")
    total = Figures()
    print(f"{'module':24} {'lines':>6} {'assert':>6} {'/1,000':>6}   {'long':>4} {'comment':>7} {'share':>6}")
    breaches = []
    for name, figures in sorted(modules.items()):
        total.add(figures)
        print(f"{name:24} {figures.lines:6} {figures.asserts:6} {figures.density():6.1f}   {figures.long:4} "
              f"{figures.commented:7} {figures.share():5.1f}%")
        if name in ASSERT_MODULES and figures.density() < ASSERT_FLOOR:
            breaches.append(f"{name}: {figures.density():.1f} assertions for each 1,000 lines, at least {ASSERT_FLOOR:g}")
    print(f"{'all':24} {total.lines:6} {total.asserts:6} {total.density():6.1f}   {total.long:4} {total.commented:7} "
          f"{total.share():5.1f}%")
    if total.share() < COMMENT_FLOOR:
        print("long functions without a comment:\n  " + "\n  ".join(without))
        breaches.append(f"{total.share():.1f} % of the functions of {LONG} lines and more have a comment above, "
                        f"at least {COMMENT_FLOOR:g} %")
    return csource.finish(len(paths), breaches)


if __name__ == "__main__":
    sys.exit(main())
