"""Where a mutation is possible in C code, and how a mutant is found again in a tree that has changed; for mutate.py."""
import collections
import difflib
import hashlib
import re

import csource

CONTEXT = 3  # lines before and after that lead back to the place
KEYWORDS = {"if", "while", "for", "switch", "return", "sizeof", "do", "else", "case", "default", "goto", "assert",
            "static_assert", "_Static_assert", "va_start", "va_end", "va_copy"}

# operator: (pattern, what each text becomes)
SWAPS = {
    "relation": (re.compile(r"(?<![-<>=!])(?:<=|>=|<|>)(?![<>=])"), {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}),
    "equality": (re.compile(r"(?<![<>=!])(?:==|!=)(?!=)"), {"==": "!=", "!=": "=="}),
    "logic": (re.compile(r"&&|\|\|"), {"&&": "||", "||": "&&"}),
    "arithmetic": (re.compile(r"(?<=[\w)\]] )[+-](?= [\w(&*])|\+\+|--|[+-](?==)"),
                   {"+": "-", "-": "+", "++": "--", "--": "++"}),
    "truth": (re.compile(r"\b(?:true|false)\b"), {"true": "false", "false": "true"}),
}
CONDITION = re.compile(r"\b(?:if|while)\s*(\()")
NUMBER = re.compile(r"(?<![\w.])(\d+)(?=[uUlL]*(?![\w.]))")
CALL = re.compile(r"(?m)^[ \t]*((?:\(void\)\s*)?([A-Za-z_]\w*)(?:(?:->|\.)\w+)*\s*\()")
ASSIGN = re.compile(r"(?m)^[ \t]*(\**[A-Za-z_]\w*(?:->\w+|\.\w+|\[[^\]\n]*\])*\s*(?:(?:[-+*/%|&^]|<<|>>)?=(?!=)|\+\+|--))")
RETURN = re.compile(r"\breturn\s+([^;]+);")
ASSERT = re.compile(r"\b(?:static_assert|_Static_assert|assert)\s*(\()")
TOKEN = re.compile(r"(?<![\w.])(?<!->)[A-Z]\w*\b")


class Point:
    """One possible mutation: `text` takes the place of the bytes from `start` to `end`."""

    def __init__(self, function, operator, start, end, text):
        self.function, self.operator, self.start, self.end, self.text = function, operator, start, end, text

    def key(self):
        return (self.start, self.end, self.operator, self.text)


def enumerators(root):
    """enumerator -> the others of its enum that begin with the same word."""
    groups = collections.defaultdict(list)
    for tag in csource.tags(root, csource.sources(root), "e"):
        groups[tag.path, tag.scope].append(tag.name)
    others = {}
    for names in groups.values():
        for name in names:
            others[name] = [n for n in names if n != name and n.split("_")[0] == name.split("_")[0]]
    return others


def without_asserts(body):
    for m in list(ASSERT.finditer(body)):
        end = csource.closing(body, m.start(1))
        body = body[:m.start()] + re.sub(r"[^\n]", " ", body[m.start():end + 1]) + body[end + 1:]
    return body


def statement_end(body, offset):
    """The offset after the `;` that ends the statement at `offset`; -1 when a brace comes first."""
    depth = 0
    for i in range(offset, len(body)):
        c = body[i]
        depth += (c in "([{") - (c in ")]}")
        if c == ";" and depth == 0:
            return i + 1
        if depth < 0:
            return -1
    return -1


def points_of(function, raw, others):
    """Every Point in a function. `raw` is the text of its file."""
    body, at = without_asserts(function.body), function.body_at

    def point(operator, start, end, text):
        return Point(function, operator, at + start, at + end, text)
    for operator, (pattern, becomes) in SWAPS.items():
        for m in pattern.finditer(body):
            yield point(operator, m.start(), m.end(), becomes[m.group()])
    for m in CONDITION.finditer(body):
        end = csource.closing(body, m.start(1))
        if end > 0:
            yield point("negate", m.start(1), end + 1, "(!" + raw[at + m.start(1):at + end + 1] + ")")
    for m in NUMBER.finditer(body):
        value = int(m.group(1))
        for to in {value + 1, value - 1} if value > 0 else {1}:
            yield point("constant", m.start(1), m.end(1), str(to))
    for operator, pattern in (("call", CALL), ("assignment", ASSIGN)):
        for m in pattern.finditer(body):
            before = body[:m.start()].rstrip()
            begins = before.endswith((";", "{", "}", ")", "else", ":"))
            if not begins or (operator == "call" and m.group(2) in KEYWORDS):
                continue
            start, end = m.start(1), statement_end(body, m.start(1))
            if end > 0:
                yield point(operator, start, end, "(void)0;" + "\n" * body.count("\n", start, end))
    for m in RETURN.finditer(body):
        value, early = m.group(1).strip(), body[m.end():].strip() != "}"
        if early and value not in ("true", "false", "NULL"):
            yield point("return", m.start(1), m.end(1), ("-1" if value == "0" else "0") + "\n" * value.count("\n"))
    for m in TOKEN.finditer(body):
        for other in others.get(m.group(), ()):
            yield point("enumerator", m.start(), m.end(), other)


def collect(root, paths):
    """{(path, line): [Point]} for every line of product code on which something can be changed."""
    others, found, raw = enumerators(root), collections.defaultdict(list), {}
    for f in csource.functions(root, paths):
        if f.path not in raw:
            raw[f.path] = csource.read(root, f.path)
        for p in points_of(f, raw[f.path], others):
            found[f.path, csource.line_at(raw[f.path], p.start)].append(p)
    return found


def record(raw, path, line, point):
    """What a results line says about a mutant: enough to find it again and to show it."""
    first = raw.rfind("\n", 0, point.start) + 1
    last = raw.find("\n", point.end)
    last = len(raw) if last < 0 else last
    old = raw[first:last]
    new = raw[first:point.start] + point.text + raw[point.end:last]
    before, after = raw[:first].splitlines()[-CONTEXT:], raw[last + 1:].splitlines()[:CONTEXT]
    digest = hashlib.sha256("\0".join([path, *before, old, new, *after]).encode()).hexdigest()[:10]
    return {"id": digest, "operator": point.operator, "file": path, "line": line, "function": point.function.name,
            "old": old, "new": new, "before": before, "after": after}


def apply(raw, found):
    """The text with the mutation of a results line; None when its lines are gone. The place is the one whose
    neighbours agree best, so the number of the line does not matter."""
    best, best_score, at = None, -1, -1
    while True:
        at = raw.find(found["old"], at + 1)
        if at < 0:
            break
        end = at + len(found["old"])
        if (at > 0 and raw[at - 1] != "\n") or (end < len(raw) and raw[end] != "\n"):
            continue
        before, after = raw[:at].splitlines()[-CONTEXT:], raw[end + 1:].splitlines()[:CONTEXT]
        score = sum(a == b for a, b in zip(reversed(before), reversed(found["before"])))
        score += sum(a == b for a, b in zip(after, found["after"]))
        if score > best_score:
            best, best_score = at, score
    if best is None:
        return None
    return raw[:best] + found["new"] + raw[best + len(found["old"]):]


def locate(root, found):
    """(path, mutated text) in the present tree, also when the file has moved; None when the lines are gone."""
    name = found["file"].rsplit("/", 1)[-1]
    paths = csource.sources(root, pattern="*.c")
    ranked = sorted(paths, key=lambda p: (p != found["file"], p.rsplit("/", 1)[-1] != name,
                                          csource.module_of(p) != csource.module_of(found["file"])))
    for path in ranked:
        raw = csource.read(root, path)
        if path != found["file"] and not re.search(rf"\b{re.escape(found['function'])}\s*\(", raw):
            continue
        text = apply(raw, found)
        if text is not None:
            return path, text
    return None


def diff(path, old, new):
    return "".join(difflib.unified_diff(old.splitlines(True), new.splitlines(True), "a/" + path, "b/" + path))
