#!/usr/bin/env python3
"""Fails when .c files of one module call each other in a circle (needs Universal Ctags; without it exits 77).

Why: files without circles can be read in one order, the callee before the caller. A circle has no first file.
A module is a folder with its subfolders (saga/journal, gateway/net, …). A direct call is `name(` in a function body
or in a macro of the .c file, where another .c file of the module defines `name` without `static`. A static function
or macro of the same name in the calling file is called instead. A name without `(`, as in a table of functions or a
callback, is no direct call, and neither is `x->name(`.
For each circle the script prints the calls that make it, so that you see which function belongs into another file."""
import collections
import re
import sys

import csource

CALL = re.compile(r"(?<![\w.])(?<!->)([A-Za-z_]\w*)\s*\(")
DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)((?:[^\n]*\\\n)*[^\n]*)", re.M)


def calls_of(root, path, functions):
    """(line, caller, callee) of every call-like token in the file."""
    for f in functions:
        first = f.line + f.head[f.head.find(f.name):].count("\n")
        for m in CALL.finditer(f.body):
            yield first + f.body.count("\n", 0, m.start()), f.name, m.group(1)
    text = csource.blank(csource.read(root, path))
    for m in DEFINE.finditer(text):
        for c in CALL.finditer(m.group(2)):
            yield csource.line_at(text, m.start(2) + c.start()), m.group(1), c.group(1)


def components(graph):
    """Strongly connected components of two and more nodes (Tarjan)."""
    index, low, stack, result = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for to in sorted(graph[node]):
            if to not in index:
                visit(to)
                low[node] = min(low[node], low[to])
            elif to in stack:
                low[node] = min(low[node], index[to])
        if low[node] == index[node]:
            at = stack.index(node)
            part = stack[at:]
            del stack[at:]
            if len(part) > 1:
                result.append(sorted(part))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return result


def main():
    root = csource.start(__doc__)
    paths = csource.sources(root, pattern="*.c")
    by_file = collections.defaultdict(list)
    for f in csource.functions(root, paths):
        by_file[f.path].append(f)
    modules = collections.defaultdict(list)
    for path in paths:
        modules[csource.module_of(path)].append(path)
    breaches = []
    for module, files in sorted(modules.items()):
        owners = collections.defaultdict(set)
        for path in files:
            for f in by_file[path]:
                if not f.static and f.name != "main":
                    owners[f.name].add(path)
        graph, sites = {path: set() for path in files}, collections.defaultdict(list)
        for path in files:
            own = {f.name for f in by_file[path]} | {m.group(1) for m in DEFINE.finditer(csource.read(root, path))}
            for line, caller, callee in calls_of(root, path, by_file[path]):
                for to in owners.get(callee, set()) if callee not in own else ():
                    graph[path].add(to)
                    sites[path, to].append((line, caller, callee))
        for part in components(graph):
            lines = [f"{module}: circle of {len(part)} files: " + " ".join(p[len(module) + 1:] for p in part)]
            for path in part:
                for to in part:
                    lines += [f"  {path}:{line} {caller} -> {callee} ({to})" for line, caller, callee in
                              sorted(sites[path, to])]
            breaches.append("\n".join(lines))
    return csource.finish(len(paths), breaches)


if __name__ == "__main__":
    sys.exit(main())
