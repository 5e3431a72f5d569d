#!/usr/bin/env python3
"""Reads every #include and fails when a module sees what it must not (gateway/DESIGN.md "Layers").

The table is the complete list: a file may include headers of its own module, of the modules named for it, and system
headers other than the fenced ones. The functions in CALLS are fenced as well: a header brings its types along, but not
the right to call what it declares."""
import pathlib
import re
import sys

import csource

ROOT = pathlib.Path(__file__).resolve().parents[2]

# module: modules whose headers it may include besides its own (longest prefix of the path wins)
MAY_USE = {
    "saga/base": [],
    "saga/model": ["saga/base"],
    "saga/store": ["saga/base", "saga/model"],
    "saga/journal": ["saga/base", "saga/model", "saga/store/store.h", "saga/store/index.h"],
    "config": ["saga/base", "saga/model"],
    "connectors": [],
    "connectors/kit": ["saga/base", "connectors/almoner_connector.h"],
    "gateway/expr": ["saga/base", "gateway/engine/ports.h", "connectors/almoner_connector.h"],
    "gateway/engine": ["saga/base", "saga/model", "saga/journal", "saga/store/store.h", "connectors/almoner_connector.h"],
    "gateway/net": ["saga/base", "gateway/engine/ports.h", "connectors/almoner_connector.h"],
    "gateway/plugin": ["saga/base", "config", "gateway/engine/ports.h", "connectors/almoner_connector.h"],
    "gateway/intake": ["saga/base", "saga/model", "saga/journal", "saga/store/store.h", "config", "gateway/expr"],
    "gateway/cell": ["saga/base", "saga/model", "saga/journal", "saga/store/store.h", "gateway/engine", "gateway/net"],
    "gateway/admin": ["saga/base", "saga/model", "saga/journal/figures.h", "saga/store", "config",
                      "gateway/cell/command.h"],
    "gateway/cli": ["saga/base"],
    "gateway/sink": ["saga/base"],
    "gateway": ["saga", "config", "gateway", "connectors/almoner_connector.h"],
    "tests": ["saga", "config", "gateway", "connectors"],
}

# system header: the only places that may include it
FENCED = {
    "ev.h": ["gateway/net", "gateway/sink", "tests/bench"],
    "curl/curl.h": ["gateway/net", "tests"],
    "sqlite3.h": ["saga/store/sqlite/", "tests"],
    "dlfcn.h": ["gateway/plugin", "tests"],
    "lz4.h": ["saga/model/event_codec.c"],
    "jq.h": ["gateway/expr"],
    "jv.h": ["gateway/expr"],
    "microhttpd.h": ["gateway/intake", "gateway/admin", "tests/bench"],
    "pthread.h": ["saga/base", "saga/store", "saga/journal", "gateway", "tests"],
    "sys/socket.h": ["gateway/net", "gateway/intake", "gateway/admin", "gateway/cli", "gateway/", "tests"],
}

# calls: the only places in product code that may make them, and why
CALLS = {
    # Verbs, accepts and figures go through the cell, because the journal may be in another process.
    re.compile(r"\bjournal_(?!counts_finish\b|counts_read\b|event_key\b|gift_key\b)\w+(?=\()"):
        ["saga/journal/", "gateway/cell/", "gateway/engine/"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)


def module_of(path):
    best = max((r for r in MAY_USE if path == r or path.startswith(r + "/")), key=len, default=None)
    return best


def breaches(path, text):
    module = module_of(path)
    if module is None:
        yield f"{path}: in no module"
        return
    for kind, name in INCLUDE.findall(text):
        if kind == '"' and "/" in name:
            if not (ROOT / name).exists() and module == "tests":
                continue  # generated, or beside the test
            target = module_of(name)
            allowed = [module] + MAY_USE[module]
            if not any(name == a or name.startswith(a + "/") for a in allowed):
                yield f"{path}: includes {name}; {module} may use only {', '.join(allowed)}"
            elif module == "gateway" and target == "tests":
                yield f"{path}: product code includes a test"
        elif kind == '"':
            yield f"{path}: includes \"{name}\"; write the path from the root"
        elif name in FENCED and not any(path.startswith(p) for p in FENCED[name]):
            yield f"{path}: includes <{name}>, which only {', '.join(FENCED[name])} may"


def calls(path, text):
    if path.startswith("tests/"):
        return
    text = csource.blank(text)
    for call, places in CALLS.items():
        if any(path.startswith(p) for p in places):
            continue
        for name in sorted(set(call.findall(text))):
            yield f"{path}: calls {name}, which only {', '.join(places)} may"


def cycles():
    """Modules must form no cycle: follow MAY_USE by modules."""
    graph = {r: {module_of(u) for u in uses} - {r, None} for r, uses in MAY_USE.items() if r not in ("tests", "gateway")}
    graph = {r: {u for u in uses if u in graph} for r, uses in graph.items()}
    # ports.h and store.h are pure contracts at a module's edge and may be seen from below
    done, path = set(), []

    def visit(module):
        if module in path:
            yield "cycle: " + " -> ".join(path[path.index(module):] + [module])
            return
        if module in done:
            return
        path.append(module)
        for use in sorted(graph[module]):
            yield from visit(use)
        path.pop()
        done.add(module)

    for module in graph:
        yield from visit(module)


def main():
    found, count = [], 0
    for top in ("saga", "config", "connectors", "gateway", "tests"):
        for file in sorted((ROOT / top).rglob("*.[ch]")):
            path = str(file.relative_to(ROOT))
            if "tests/abi/" in path:
                continue  # old plugins, built against frozen headers
            count += 1
            text = file.read_text(encoding="utf-8")
            found += breaches(path, text)
            found += calls(path, text)
    found += cycles()
    for line in found:
        print(line)
    print(f"{count} files read, {len(found)} breaches")
    return 1 if found or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
