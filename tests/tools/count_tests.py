#!/usr/bin/env python3
"""Adds up meson's test logs and prints the closing line of CI. A failed step that is not a test (a linter, a
build) counts as one failure. Exits 1 when anything failed or nothing ran."""
import json
import os
import sys


def main(arguments):
    cut = next(i for i, a in enumerate(arguments) if a.startswith("failed steps="))
    logs, steps = arguments[:cut], arguments[cut + 1:]
    passed = failed = skipped = 0
    for log in dict.fromkeys(logs):
        if not os.path.exists(log):
            continue
        with open(log, encoding="utf-8") as lines:
            for line in lines:
                result = json.loads(line)["result"]
                if result in ("OK", "EXPECTEDFAIL"):
                    passed += 1
                elif result in ("SKIP", "IGNORED"):
                    skipped += 1
                else:
                    failed += 1
                    print("failed:", log, json.loads(line)["name"])
    for step in steps:
        print("failed step:", step)
    failed = max(failed, len(steps))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
