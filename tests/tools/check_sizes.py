#!/usr/bin/env python3
"""Fails on a source file over 500 lines or a function over 60 (needs Universal Ctags; without it exits 77, skipped)."""
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE_LINES, FUNCTION_LINES = 500, 60


def main():
    files = [f for top in ("saga", "config", "connectors", "gateway", "tests") for f in (ROOT / top).rglob("*.[ch]")]
    bad = []
    for file in files:
        lines = file.read_text(encoding="utf-8").count("\n")
        if lines > FILE_LINES:
            bad.append(f"{file.relative_to(ROOT)}: {lines} lines, at most {FILE_LINES}")
    if shutil.which("ctags") is None or b"Universal" not in subprocess.run(
            ["ctags", "--version"], capture_output=True, check=False).stdout:
        print("\n".join(bad) or "file sizes fine; no Universal Ctags, so functions are not measured")
        return 1 if bad else 77
    listing = subprocess.run(["ctags", "-x", "--c-kinds=f", "--languages=C", "--langmap=C:.c.h",
                              "--_xformat=%{line} %{end} %N %F", *map(str, files)],
                             capture_output=True, text=True, check=True).stdout
    lengths = []
    for row in listing.splitlines():
        line, end, name, file = row.split(" ", 3)
        if not end.isdigit():
            continue
        length = int(end) - int(line) + 1
        lengths.append(length)
        if length > FUNCTION_LINES:
            bad.append(f"{pathlib.Path(file).relative_to(ROOT)}: {name} has {length} lines, at most {FUNCTION_LINES}")
    lengths.sort()
    print("\n".join(bad))
    print(f"{len(files)} files, {len(lengths)} functions, median {lengths[len(lengths) // 2]} lines, longest {lengths[-1]}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
