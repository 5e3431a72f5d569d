#!/usr/bin/env python3
"""Fails on names that lead nowhere, exist twice, or are private words (needs Universal Ctags; else exits 77).

Why: a reader who meets a name should know where it is defined, should find one definition, and should find the word
in a textbook.
(a) The prefix of each extern function in product code names its file. With `location.c` in saga/journal/schedule these
    prefixes are right: `location_`, any parent folder before it (`schedule_location_`, `journal_location_`), the stem
    of a header that declares the function (without `_internal`), and the module's name (`journal_`) when the header
    is one that other modules include. Singular and plural are the same. In connectors/kit each name begins with `kit_`
    and the stem follows. `main` and what the public header declares are exempt.
(b) The tag of each struct, enum and union with a body is unique in product code.
(c) An extern function is defined once in each program: a second definition in another archive would be called instead.
(d) The words in WORDS are no part of an identifier, in product code and in tests. The table says what to write
    instead. A word that is also the field's (post, gate, row, claim) does not belong in it."""
import collections
import fnmatch
import re
import sys

import csource

KIT = "connectors/kit/"

# word: (write this instead, identifiers in which it is right)
WORDS = {
    "again": ("retry, repeat", ("EAI_AGAIN", "again")),
    "aside": ("quarantine", ()),
    "barred": ("blocked_by_operator", ()),
    "bell": ("wakeup", ()),
    "carry": ("deliver, attempt", ()),
    "carried": ("delivered, attempted", ()),
    "cool": ("leave the engine, to_disk", ()),
    "crew": ("clients", ()),
    "cry": ("print, report", ()),
    "desk": ("workers", ()),
    "hot": ("engine (LOCATION_ENGINE)", ()),
    "judge": ("health, update", ()),
    "mend": ("repair, fix", ()),
    "mended": ("repaired, fixed", ()),
    "nobody": ("none", ("CURLOPT_NOBODY",)),
    "placed": ("location", ()),
    "rehearsal": ("dry_run", ()),
    "rehearse": ("dry_run", ()),
    "rehearsed": ("dry_run", ()),
    "ride": ("start in the commit", ()),
    "rides": ("start in the commit", ()),
    "rig": ("fixture", ()),
    "said": ("reported, logged, text", ()),
    "say": ("report, log", ()),
    "says": ("reports, text", ()),
    "seat": ("location", ()),
    "seats": ("locations", ()),
    "shut": ("cannot_start, closed", ("SHUT_*",)),  # SHUT_WR is POSIX
    "sieve": ("bulk_match", ()),
    "somebody": ("client, operator, thread", ()),
    "stillborn": ("failed_locally", ()),
    "tell": ("notify, report", ()),
    "tells": ("notifies, reports", ()),
    "told": ("notified, reported, state_known", ()),
    "unsaid": ("suppressed", ()),
    "welcome": ("budget", ()),
}

# Plain English in the name of a test that is a sentence, such as every_name_is_found_again.
RIGHT_IN_SENTENCES = {"again", "aside", "carry", "carried", "cool", "hot", "placed", "say", "says", "shut", "tell", "tells"}
SENTENCE_WORDS = 4


def singular(word):
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ses", "xes", "ches")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def parts(name):
    return [singular(p) for p in name.lower().split("_") if p]


def begins(name, prefix):
    return parts(name)[:len(parts(prefix))] == parts(prefix)


def stem_of(path):
    stem = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return stem[:-len("_internal")] if stem.endswith("_internal") else stem


class Headers:
    """Which headers declare a name, and which of them another module includes."""

    def __init__(self, root):
        self.declares = collections.defaultdict(set)
        for path in csource.sources(root, pattern="*.h"):
            text = csource.blank(csource.read(root, path))
            for m in re.finditer(r"\b([A-Za-z_]\w*)\s*\(", text):
                self.declares[m.group(1)].add(path)
        self.outside = set()
        for path in csource.sources(root):
            for name in re.findall(r'^\s*#\s*include\s+"([^"]+)"', csource.read(root, path), re.M):
                if csource.module_of(name) != csource.module_of(path):
                    self.outside.add(name)


def prefixes(path, name, headers):
    """The prefixes that are right for an extern function of this name in this file."""
    stem, folders, module = stem_of(path), path.split("/")[:-1], csource.module_of(path)
    declared = [h for h in headers.declares[name] if csource.module_of(h) == module]
    stems = dict.fromkeys([stem] + sorted(stem_of(h) for h in declared))
    if path.startswith(KIT):
        return ["kit_" + s for s in stems if s != "kit"] or ["kit"]
    right = list(stems)
    right += [f"{folder}_{s}" for folder in folders for s in stems]
    if any(h in headers.outside for h in declared):
        right.append(module.rsplit("/", 1)[-1])
    return right


def check_prefixes(root):
    headers = Headers(root)
    for f in csource.functions(root, csource.sources(root, pattern="*.c")):
        if f.static or f.name == "main" or any(csource.frozen(h) for h in headers.declares[f.name]):
            continue
        right = prefixes(f.path, f.name, headers)
        if not any(begins(f.name, p) for p in right):
            short = [p for p in right if "/" not in p and p.count("_") == right[0].count("_")] or right
            yield f"{f.path}:{f.line}: {f.name}: begin it with {' or '.join(p + '_' for p in short[:3])}"


def check_tags(root):
    where = collections.defaultdict(list)
    for tag in csource.tags(root, csource.sources(root), "sug"):
        if not tag.name.startswith("__anon"):
            where[tag.name].append(tag)
    for name, found in sorted(where.items()):
        if len(found) > 1:
            yield f"{found[0].kind} {name} exists {len(found)} times: " + ", ".join(f"{t.path}:{t.line}" for t in found)


def check_functions(root):
    """Two archives that define one extern name link without a word from the linker; one of the two is called for both.
    The receivers and each connector are programs of their own."""
    where = collections.defaultdict(list)
    for f in csource.functions(root, csource.sources(root, pattern="*.c")):
        if f.static or f.name == "main":
            continue
        program = f.path.rsplit("/", 1)[0] if f.path.startswith(("gateway/sink/", "connectors/")) else ""
        where[program if program != "connectors/kit" else "", f.name].append(f)
    for (_, name), found in sorted(where.items()):
        if len({(f.path, f.line) for f in found}) > 1:
            yield f"{name} exists {len(found)} times: " + ", ".join(f"{f.path}:{f.line}" for f in found)


def check_words(root):
    found = collections.defaultdict(list)
    for path in csource.sources(root, csource.TOPS + ("tests",)):
        if csource.frozen(path):
            continue
        text = csource.blank(csource.read(root, path))
        for m in re.finditer(r"\b[A-Za-z_]\w*\b", text):
            found[m.group()].append((path, m.start(), text))
    for name, places in sorted(found.items()):
        for part in dict.fromkeys(name.lower().split("_")):
            instead, right = WORDS.get(part, (None, ()))
            if instead is None or any(fnmatch.fnmatchcase(name, r) for r in right):
                continue
            path, offset, text = places[0]
            if part in RIGHT_IN_SENTENCES and name.count("_") + 1 >= SENTENCE_WORDS and path.startswith("tests/"):
                continue
            yield (f"{path}:{csource.line_at(text, offset)}: {name} ({len(places)} uses): "
                   f'"{part}" is a private word; write: {instead}')


def main():
    root = csource.start(__doc__)
    kinds = [("prefix", list(check_prefixes(root))), ("tag", list(check_tags(root))),
             ("function", list(check_functions(root))), ("word", list(check_words(root)))]
    print(", ".join(f"{len(found)} breaches of kind {kind}" for kind, found in kinds))
    return csource.finish(len(csource.sources(root, csource.TOPS + ("tests",))), sum((f for _, f in kinds), []))


if __name__ == "__main__":
    sys.exit(main())
