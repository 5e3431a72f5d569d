#!/usr/bin/env python3
"""Writes one file of a golden archive: unpack.py ARCHIVE MEMBER OUT"""
import io
import lzma
import pathlib
import sys
import tarfile


def unpack(archive, member):
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(pathlib.Path(archive).read_bytes()))) as tar:
        return tar.extractfile(member).read()


if __name__ == "__main__":
    pathlib.Path(sys.argv[3]).write_bytes(unpack(sys.argv[1], sys.argv[2]))
