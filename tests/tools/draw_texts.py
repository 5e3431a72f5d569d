#!/usr/bin/env python3
"""Draws comments and messages at random, for a reader who has never seen the code.

    tests/tools/draw_texts.py --seed 7 --comments 40 --messages 40 --out texts.txt --key key.tsv

Why: the author of a sentence cannot tell whether it is clear. A reader sees each text with the name of its file only,
and writes down what it means; a second reader opens the key (number, path:line) and compares that with the code.
Comments: C comments of product code with COMMENT_WORDS words or more, without section banners.
Messages: string literals with MESSAGE_WORDS words or more that people read: the texts of errors, help, alerts and
logs. Statements of SQL, formats of files and the texts of assertions are left out. Adjacent literals are one text.
The same seed draws the same texts from the same tree (needs no ctags)."""
import argparse
import pathlib
import random
import re
import sys

import csource

COMMENT_WORDS, MESSAGE_WORDS = 6, 4
LITERAL = r'"(?:\\.|[^"\\\n])*"'
SPACE = r"(?:\s|\\\n)*"  # between two literals of one text; a macro continues its line with a backslash
JOINED = re.compile(rf"{LITERAL}(?:{SPACE}(?:PRI[a-zA-Z]\w+{SPACE})?{LITERAL}|\s+PRI[a-zA-Z]\w+)*")
NOT_FOR_PEOPLE = re.compile(r"\s*(SELECT|select \w+,|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|WITH|PRAGMA|BEGIN|COMMIT|ROLLBACK|REPLACE|"
                            r"FROM|WHERE|ORDER|AND|UNION|SAVEPOINT|RELEASE|ANALYZE|VACUUM|ATTACH|<[a-z!?]|[{\[]\"|\.[A-Z]{2}\b)")
WORD = re.compile(r"(?<![\w%])[A-Za-z]?[a-z][a-z']*\b")


def escape(text):
    """A literal's text as people see it, on one line."""
    whole = "".join(part[1:-1] for part in re.findall(LITERAL, text))
    return " ".join(whole.replace('\\"', '"').replace("\\n", " ").replace("\\t", " ").split())


def column(text, offset):
    return len(text[text.rfind("\n", 0, offset) + 1:offset].expandtabs(4))


def continues(text, end, begin, offset):
    """Whether the comment at `offset` belongs to the one from `begin` to `end`: it is on the next line and begins
    in the same column, as the lines of a // comment do, and the comments that trail one member."""
    between = text[end:offset]
    if between.strip() not in ("", "\\") or between.count("\n") != 1:
        return False
    return column(text, begin) == column(text, offset)


def comments(root):
    """(path, line, text) of every comment that is drawn from."""
    for path in csource.sources(root):
        if csource.frozen(path):
            continue
        text = csource.read(root, path)
        last = None  # one text: the lines of a // comment, or the comments that trail one member
        for offset, comment in csource.comments_of(text):
            words = csource.plain(comment)
            if last is not None and continues(text, last[0], last[3], offset):
                last[1].append(words)
                last[0], last[3] = offset + len(comment), offset
                continue
            if last is not None:
                yield from long_enough(path, last)
            last = [offset + len(comment), [words], csource.line_at(text, offset), offset] \
                if not csource.is_banner(comment) else None
        if last is not None:
            yield from long_enough(path, last)


def long_enough(path, found):
    words = " ".join(found[1])
    if len(WORD.findall(words)) >= COMMENT_WORDS:
        yield path, found[2], words


def messages(root):
    """(path, line, text) of every literal that people read."""
    for path in csource.sources(root):
        if csource.frozen(path):
            continue
        text = csource.blank(csource.read(root, path), strings=False)
        for m in JOINED.finditer(text):
            line_start = text.rfind("\n", 0, m.start()) + 1
            before = text[line_start:m.start()]
            if re.match(r"\s*#\s*include", before) or re.search(r"assert\s*\([^;]*$", before):
                continue
            words = escape(m.group())
            if len(WORD.findall(words)) < MESSAGE_WORDS or NOT_FOR_PEOPLE.match(words):
                continue
            if words.count(" ") + 1 < MESSAGE_WORDS or "," in words and " " not in words.replace(", ", ""):
                continue
            yield path, csource.line_at(text, m.start()), words


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--comments", type=int, default=40)
    parser.add_argument("--messages", type=int, default=40)
    parser.add_argument("--out", type=pathlib.Path, help="write the texts here (default: the terminal)")
    parser.add_argument("--key", type=pathlib.Path, help="write number, path:line here")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    options = parser.parse_args()
    draw = random.Random(options.seed)
    lines, key, number = [f"Drawn with seed {options.seed}.", ""], [], 0
    for title, count, pool in (("Comments", options.comments, comments), ("Messages", options.messages, messages)):
        texts = sorted(set(pool(options.root.resolve())))
        lines += [f"## {title} ({count} of {len(texts)})", ""]
        for path, line, text in draw.sample(texts, min(count, len(texts))):
            number += 1
            lines += [f"{number}. {path.rsplit('/', 1)[-1]}: {text}", ""]
            key.append(f"{number}\t{path}:{line}")
    text = "\n".join(lines)
    if options.out is not None:
        options.out.write_text(text, encoding="utf-8")
    else:
        print(text)
    if options.key is not None:
        options.key.write_text("\n".join(key) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
