"""Packs with zstd for tests: by Python itself from 3.14 on, and by the package of the extra before."""

from __future__ import annotations

import sys
from importlib import import_module


def zstd_packed(content: bytes) -> bytes:
    """One frame, with a checksum."""
    if sys.version_info >= (3, 14):
        own = import_module("compression.zstd")
        packed: bytes = own.compress(content, options={own.CompressionParameter.checksum_flag: 1})
        return packed
    made: bytes = import_module("zstandard").ZstdCompressor(write_checksum=True).compress(content)
    return made
