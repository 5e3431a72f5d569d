#!/usr/bin/env python3
"""install_headers.py FOLDER HEADER...: writes headers of the kit to FOLDER in the form that is installed.

In the tree the headers include each other by their paths from the root. Outside it these paths do not exist, so the
installed headers include <almoner/kit/NAME.h> and <almoner_connector.h>."""
import pathlib
import re
import sys

NOTE = """/* Installed with almoner. The kit has no stable API and no stable ABI: build a connector anew for each release of
 * libalmoner-kit.a. Only <almoner_connector.h> is stable. */
"""


def main():
    folder = pathlib.Path(sys.argv[1])
    for name in sys.argv[2:]:
        text = pathlib.Path(name).read_text(encoding="utf-8")
        text = text.replace('#include "connectors/almoner_connector.h"', "#include <almoner_connector.h>")
        text = re.sub(r'#include "connectors/kit/([a-z_]+\.h)"', r"#include <almoner/kit/\1>", text)
        foreign = re.search(r'#include ".*"', text)
        if foreign:
            sys.exit(f"{name}: {foreign.group()} is not installed, so a header of the kit must not include it")
        (folder / pathlib.Path(name).name).write_text(NOTE + text, encoding="utf-8")


if __name__ == "__main__":
    main()
