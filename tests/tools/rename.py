#!/usr/bin/env python3
"""Renames identifiers, types and files by a map, and changes nothing else.

Usage: rename.py MAP.tsv [--check]

Each row of the map is `kind <TAB> scope <TAB> old <TAB> new`:
  file  -      old path, new path (from the root of the repository)
  tag   scope  the name after `struct`, `union` or `enum`
  id    scope  any other identifier: function, variable, member, enumerator, macro
A scope is `*` or a comma-separated list of patterns over the paths before the move. A row with patterns wins over a
row with `*`. The text of string literals stays. In comments a name is replaced where it cannot be an English word: it
contains `_`, or `(` follows, or it follows `struct`, `union` or `enum`.

compare_objects.py proves afterwards that the object files are the same but for their names."""
import fnmatch
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FROZEN = ("connectors/almoner_connector.h", "tests/abi/almoner_connector_1_0.h",
          "tests/abi/almoner_connector_1_1.h")
TOPS = ("saga", "config", "connectors", "gateway", "tests")
TOKEN = re.compile(r"""
    (?P<comment>/\*.*?\*/|//[^\n]*)
  | (?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
  | (?P<number>\.?[0-9](?:[eEpP][+-]|[\w.])*)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<space>\s+|\\\n)
  | (?P<other>.)""", re.X | re.S)
TAG_WORDS = ("struct", "union", "enum")


def read_map(path):
    files, rows = {}, []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.split("\t")
        if len(parts) != 4 or parts[0] not in ("file", "tag", "id"):
            sys.exit(f"{path}:{number}: a row is kind, scope, old and new, separated by tabs")
        kind, scope, old, new = (part.strip() for part in parts)
        if kind == "file":
            files[old] = new
        else:
            rows.append((kind, [s.strip() for s in scope.split(",")], old, new))
    return files, rows


def matches(path, scope):
    return any(pattern == "*" or fnmatch.fnmatch(path, pattern) for pattern in scope)


def names_of(path, rows):
    """The renames that hold in one file: {kind: {old: new}}."""
    names = {"tag": {}, "id": {}}
    for narrow in (False, True):
        for kind, scope, old, new in rows:
            if (scope != ["*"]) == narrow and matches(path, scope):
                names[kind][old] = new
    return names



class Renamer:
    def __init__(self, files, rows):
        self.files, self.rows = files, rows
        self.paths = re.compile("|".join(re.escape(p) for p in sorted(files, key=len, reverse=True)) or r"(?!)")
        base = {}
        for old, new in files.items():
            base.setdefault(os.path.basename(old), set()).add(os.path.basename(new))
        self.base = {old: new.pop() for old, new in base.items() if len(new) == 1}

    def path_text(self, text):
        return self.paths.sub(lambda m: self.files[m.group(0)], text)

    def comment(self, text, names):
        text = self.path_text(text)

        def one(match):
            before, word, after = match.group(1), match.group(2), text[match.end():match.end() + 1]
            if before:
                return before + names["tag"].get(word, word)
            if "_" in word or after == "(":
                return names["id"].get(word, word)
            return word

        text = re.sub(r"((?:struct|union|enum) )?\b([A-Za-z_]\w*)\b(?!\.[ch]\b)", one, text)
        return re.sub(r"(?<![\w/])([\w]+\.[ch])\b", lambda m: self.base.get(m.group(1), m.group(1)), text)

    def source(self, path, text):
        names, out, previous, include = names_of(path, self.rows), [], "", False
        for match in TOKEN.finditer(text):
            kind, value = match.lastgroup, match.group(0)
            if kind == "comment":
                value = self.comment(value, names)
            elif kind == "string":
                if include:
                    value = self.path_text(value)
            elif kind == "word":
                value = names["tag" if previous in TAG_WORDS else "id"].get(value, value)
            if "\n" in value:
                include = False
            if kind in ("word", "string", "other", "number"):
                previous = match.group(0)
                include = include or value == "include"
            out.append(value)
        return "".join(out)


def build_file(path, text, renamer):
    """In a meson.build, file names are relative to its folder."""
    folder = os.path.dirname(path)
    new_folder = os.path.dirname(renamer.files.get(path, path))

    def one(match):
        name = match.group(1)
        old = os.path.normpath(os.path.join(folder, name))
        if old in renamer.files or (folder != new_folder and (ROOT / old).is_file()):
            return "'" + os.path.relpath(renamer.files.get(old, old), new_folder or ".") + "'"
        return match.group(0)

    return re.sub(r"'([^'\n]+\.(?:c|h|py|md))'", one, text)


def main():
    files, rows = read_map(pathlib.Path(sys.argv[1]))
    check = "--check" in sys.argv
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    listing = [p for p in listing if p]
    for old in files:
        if old not in listing:
            sys.exit(f"{sys.argv[1]}: no file {old}")
    for path in listing:  # the guard of a moved header follows its path
        if path.endswith(".h") and path in files:
            found = re.search(r"#ifndef (ALMONER_\w+)", (ROOT / path).read_text(encoding="utf-8"))
            if found:
                rows.append(("id", [path], found.group(1), "ALMONER_" + re.sub(r"\W", "_", files[path]).upper()))
    renamer = Renamer(files, rows)
    changed = 0
    for path in listing:
        new_path = files.get(path, path)
        if path in FROZEN or not (ROOT / path).is_file() or (ROOT / path).is_symlink():
            continue
        name = os.path.basename(path)
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        new = text
        if path.startswith("tests/fuzz/corpus/") or "rename_map" in path:
            continue
        if path.endswith((".c", ".h")):
            new = renamer.source(path, text)
        elif name == "meson.build":
            new = renamer.path_text(build_file(path, text, renamer))
        elif path.endswith((".py", ".md", ".in", ".1", ".5")) or name in ("run", "quickstart", "tidy"):
            new = renamer.path_text(text)
        if new == text and new_path == path:
            continue
        changed += 1
        if check:
            continue
        if new_path != path:
            (ROOT / new_path).parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["git", "mv", path, new_path], cwd=ROOT, check=True)
        if new != text:
            (ROOT / new_path).write_text(new, encoding="utf-8")
    print(f"{len(files)} files moved, {len(rows)} names, {changed} files changed")


if __name__ == "__main__":
    main()
