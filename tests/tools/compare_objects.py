#!/usr/bin/env python3
"""Proves that a renaming commit changed names only.

Usage: compare_objects.py OLD-COMMIT NEW-COMMIT MAP.tsv

Builds both commits in the same folder with `-g0 -DNDEBUG -O2` and compares each object file with its counterpart (the
map says where a file went): the bytes of each loaded section, in order, and each relocation. The names of sections and
symbols are left out, but a symbol must correspond to one symbol in all object files that are linked together. The test programs
hold the text of their assertions and their file names (cmocka puts them there); for objects below tests/ the string
sections, and where in them a string lies, are left out as well. Exit 0: nothing else changed."""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHT_PROGBITS, SHT_SYMTAB, SHT_RELA, SHT_NOBITS = 1, 2, 4, 8
SHF_ALLOC, SHF_STRINGS = 2, 0x20


class Object:
    """The parts of an ELF64 little-endian relocatable file that are compared."""

    def __init__(self, path):
        self.data = data = path.read_bytes()
        if data[:6] != b"\x7fELF\x02\x01":
            sys.exit(f"{path}: not a little-endian ELF64 file")
        start, size, count, names = struct.unpack_from("<Q", data, 0x28)[0], *struct.unpack_from("<HHH", data, 0x3A)
        del names
        self.headers = [struct.unpack_from("<IIQQQQIIQQ", data, start + i * size) for i in range(count)]
        self.loaded = [i for i, h in enumerate(self.headers)
                       if h[1] in (SHT_PROGBITS, SHT_NOBITS) and h[2] & SHF_ALLOC and h[5] > 0]
        table = next((h for h in self.headers if h[1] == SHT_SYMTAB), None)
        self.symbols = []
        if table:
            texts = self.headers[table[6]]
            for at in range(table[4], table[4] + table[5], 24):
                name, info, _, section, value, _ = struct.unpack_from("<IBBHQQ", data, at)
                end = data.index(b"\0", texts[4] + name)
                self.symbols.append((data[texts[4] + name:end].decode(), info, section, value))

    def content(self, index):
        header = self.headers[index]
        return b"" if header[1] == SHT_NOBITS else self.data[header[4]:header[4] + header[5]]

    def relocations(self, index):
        for header in self.headers:
            if header[1] == SHT_RELA and header[7] == index:
                for at in range(header[4], header[4] + header[5], 24):
                    offset, info, addend = struct.unpack_from("<QQq", self.data, at)
                    yield offset, info & 0xFFFFFFFF, addend, self.symbols[info >> 32]

    def place(self, symbol):
        """Where a symbol lies: (ordinal of its section, value); None: in another object file."""
        return (self.loaded.index(symbol[2]), symbol[3]) if symbol[2] in self.loaded else None

    def is_string(self, place):
        return place is not None and self.headers[self.loaded[place[0]]][2] & SHF_STRINGS


def domain(path):
    """What is linked together: the connectors, each folder of tests, and the rest of the product."""
    if path.startswith("tests/"):
        return os.path.dirname(path)
    return "connectors" if path.startswith("connectors/") else "product"


def compare(name, old, new, pairs, is_test):
    if len(old.loaded) != len(new.loaded):
        return [f"{name}: {len(old.loaded)} loaded sections became {len(new.loaded)}"]
    faults = []
    for at, (a, b) in enumerate(zip(old.loaded, new.loaded)):
        strings = old.headers[a][2] & SHF_STRINGS and new.headers[b][2] & SHF_STRINGS
        if is_test and strings:
            continue
        if old.headers[a][5] != new.headers[b][5] or old.content(a) != new.content(b):
            faults.append(f"{name}: section {at} has other bytes")
        left, right = list(old.relocations(a)), list(new.relocations(b))
        if len(left) != len(right):
            faults.append(f"{name}: section {at} has other relocations")
        for one, two in zip(left, right):
            here, there = old.place(one[3]), new.place(two[3])
            if is_test and old.is_string(here) and new.is_string(there):
                same = one[:2] == two[:2]
            else:
                same = one[:3] == two[:3] and here == there
            if not same:
                faults.append(f"{name}: section {at}, offset {one[0]:#x}: {one[3][0]} became {two[3][0]}")
            pair = (domain(name), one[3][0])
            if here is None and there is None and pairs.setdefault(pair, two[3][0]) != two[3][0]:
                faults.append(f"{name}: {one[3][0]} is {pairs[pair]} elsewhere and {two[3][0]} here")
    return faults


def build(commit, work):
    """Object files of a commit by the path of their source."""
    source, out = work / "source", work / "build"
    for folder in (source, out):
        shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["git", "worktree", "prune"], cwd=ROOT, check=True)
    subprocess.run(["git", "worktree", "add", "-f", "--detach", source, commit], cwd=ROOT, check=True, capture_output=True)
    subprocess.run(["meson", "setup", out, source, "-Dbuildtype=plain", "-Doptimization=2", "-Ddebug=false",
                    "-Db_ndebug=true", "-Dc_args=-g0"], check=True, capture_output=True)
    subprocess.run(["ninja", "-C", out], check=True, capture_output=True)
    objects = {}
    for entry in json.loads((out / "compile_commands.json").read_text()):
        path = os.path.relpath(os.path.join(entry["directory"], entry["file"]), source)
        file = out / entry["output"]
        if file.exists():
            objects.setdefault(path, []).append(Object(file))
    subprocess.run(["git", "worktree", "remove", "--force", source], cwd=ROOT, check=True)
    return objects


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    rows = [line.split("\t") for line in pathlib.Path(sys.argv[3]).read_text(encoding="utf-8").splitlines()]
    moved = {row[2]: row[3] for row in rows if row[0] == "file"}
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        old, new = build(sys.argv[1], work), build(sys.argv[2], work)
    faults, pairs, count = [], {}, 0
    for path, objects in sorted(old.items()):
        there = new.get(moved.get(path, path), [])
        if len(there) != len(objects):
            faults.append(f"{path}: {len(objects)} object files became {len(there)}")
            continue
        for one, two in zip(objects, there):
            count += 1
            faults += compare(path, one, two, pairs, path.startswith("tests/"))
    back = {}
    for (where, one), two in pairs.items():
        if back.setdefault((where, two), one) != one:
            faults.append(f"{where}: {one} and {back[where, two]} both became {two}")
    for line in faults:
        print(line)
    print(f"{count} object files compared, {len(faults)} differences")
    return 1 if faults or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
