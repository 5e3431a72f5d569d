#!/usr/bin/env python3
"""Fails when saga/DESIGN.md "Where each thing is" and the tables of a fresh store differ: check_shape.py OPEN_STORE

Each `table.column` of a row marked "exists" must exist, and each column must be named, itself or by its table alone, in such a
row or in one marked "filled by", whose column may be there before its issue. A table or column that a later issue makes must be
described below the list, and must not exist yet."""
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEYS = {"id", "no", "commit_no", "saga", "part"}  # what a row is found by needs no line of its own


def tables_of_fresh_store(program):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "fresh.db"
        subprocess.run([program, str(path)], check=True)
        store = sqlite3.connect(path)
        names = [row[0] for row in store.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
        tables = {name: {row[1] for row in store.execute(f"PRAGMA table_xinfo({name})")} for name in names}
        store.close()
    return tables


def places(document):
    """(mark, table, column or None) of each place that the list names."""
    listed = document.split("### Where each thing is", 1)[1].split("\n### ", 1)[0]
    for line in listed.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) < 3 or set(cells[0]) <= {"-"} or cells[0] == "Thing":
            continue
        for table, column in re.findall(r"`([a-z_]+)(?:\.([a-z_]+))?`", cells[1]):
            yield cells[2], table, column or None


def made_later(document):
    """Names of tables, and (table, column) of columns that are added to a table."""
    block = document.split("### Tables that later issues make", 1)[1].split("```")[1]
    return set(re.findall(r"(?m)^([a-z_]+)\(", block)), set(re.findall(r"\b([a-z_]+)\.([a-z_]+) (?:INTEGER|TEXT|BLOB)", block))


def main():
    tables = tables_of_fresh_store(sys.argv[1])
    document = (ROOT / "saga/DESIGN.md").read_text(encoding="utf-8")
    found, named = [], set()
    later, later_columns = made_later(document)
    for mark, table, column in places(document):
        if mark.startswith(("exists", "filled by")):
            if mark.startswith("exists") and (table not in tables or (column and column not in tables[table])):
                found.append(f"{table}.{column}: said to exist")
            named |= {(table, column)} if column else {(table, c) for c in tables.get(table, ())}
        elif table not in tables and table not in later and "PostgreSQL" not in document.split(f"`{table}")[1].split("\n")[0]:
            found.append(f"{table}: made later, but not described")
    found += [f"{table}: described as made later, but it exists" for table in later & tables.keys()]
    found += [f"{table}.{column}: described as made later, but it exists" for table, column in later_columns if column in tables.get(table, ())]
    found += [f"{table}.{column}: not in the list" for table, columns in tables.items() for column in sorted(columns - KEYS) if (table, column) not in named]
    for line in found:
        print(line)
    print(f"{len(tables)} tables, {len(named)} columns named, {len(found)} differences")
    return 1 if found or not named else 0


if __name__ == "__main__":
    sys.exit(main())
