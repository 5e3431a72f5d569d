#!/usr/bin/env python3
"""The kit outside the tree: installs the build into a temporary folder, builds the skeleton with nothing but what was
installed, and runs almoner-conformance on it.

Environment: ALMONER_BUILD, the build folder. Exit code 77: a tool is missing."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(os.environ["ALMONER_BUILD"])
TESTS = pathlib.Path(__file__).resolve().parents[1]
PREFIX = "kit_"  # of each global symbol in the archive


def run(*command, **more):
    """The standard output of a command that must succeed."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nexit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def flags(root, *what):
    """What pkg-config says about an installation below `root`."""
    folder = next(root.rglob("almoner-kit.pc")).parent
    if folder.parts[-2:] != ("share", "pkgconfig"):
        sys.exit(f"{folder}: pkg-config looks into share/pkgconfig whatever the library folder is")
    return run("pkg-config", *what, "almoner-kit",
               env={**os.environ, "PKG_CONFIG_PATH": str(folder), "PKG_CONFIG_SYSROOT_DIR": str(root)}).split()


def check_symbols(archive):
    """Each global symbol has the prefix: the archive cannot clash with another library."""
    rows = [row.split() for row in run("nm", "-g", "--defined-only", archive).splitlines()]
    names = [row[-1] for row in rows if len(row) == 3]
    wrong = [name for name in names if not name.startswith(PREFIX)]
    if wrong or not names:
        sys.exit(f"{archive}: {len(names)} global symbols, of which these lack the prefix {PREFIX}: {wrong}")
    return len(names)


def check_headers(root, folder):
    """Each installed header compiles alone, and says that the kit promises no ABI."""
    headers = sorted(next(root.rglob("include/almoner/kit")).glob("*.h"))
    for header in headers:
        if "no stable ABI" not in header.read_text(encoding="utf-8"):
            sys.exit(f"{header}: does not say that the kit has no stable ABI")
        (folder / "one.c").write_text(f"#include <almoner/kit/{header.name}>\n", encoding="utf-8")
        run("cc", "-std=c17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", folder / "one.c", *flags(root, "--cflags"))
    return len(headers)


def main():
    if any(shutil.which(tool) is None for tool in ("cc", "nm", "pkg-config", "meson")):
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="almoner-kit-") as name:
        folder = pathlib.Path(name)
        root = folder / "root"
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", root)
        symbols = check_symbols(next(root.rglob("libalmoner-kit.a")))
        headers = check_headers(root, folder)
        shutil.copy(TESTS / "conformance" / "skeleton.c", folder)
        run("cc", "-std=c17", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden", "-o", "skeleton.so",
            "skeleton.c", *flags(root, "--cflags", "--libs"), cwd=folder)
        exported = [row.split()[-1] for row in run("nm", "-D", "--defined-only", folder / "skeleton.so").splitlines()]
        if "almoner_connector" not in exported or any(one.startswith(PREFIX) for one in exported):
            sys.exit(f"skeleton.so exports {exported}")
        print(run(BUILD / "tests" / "conformance" / "almoner-conformance", "skeleton.so",
                  TESTS / "conformance" / "suites" / "skeleton.json", cwd=folder), end="")
        print(f"{symbols} symbols, {headers} headers")


if __name__ == "__main__":
    main()
