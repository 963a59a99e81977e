"""The CBOR of recordings, to show it: numbers, bytes, text, arrays, maps, true, false and null."""

from __future__ import annotations

from typing import Any

_DEPTH = 16


def items(data: bytes) -> list[Any]:
    """All items, one after another. Raises ValueError for anything else."""
    found: list[Any] = []
    at = 0
    while at < len(data):
        item, at = _item(data, at, 0)
        found.append(item)
    return found


def _item(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    if at >= len(data) or depth > _DEPTH:
        raise ValueError("ends too early, or is nested too deeply")
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    if major == 7 and info in (20, 21, 22):
        return (False, True, None)[info - 20], at
    size = 0 if info < 24 else 1 << (info - 24)
    if info > 27 or at + size > len(data) or major in (1, 6, 7):
        raise ValueError("not the CBOR of a recording")
    value = int.from_bytes(data[at : at + size], "big") if size else info
    at += size
    if major == 0:
        return value, at
    if major in (2, 3):
        text = data[at : at + value]
        if len(text) != value:
            raise ValueError("ends too early")
        return (text if major == 2 else text.decode()), at + value
    parts: list[Any] = []
    for _ in range(value if major == 4 else 2 * value):
        part, at = _item(data, at, depth + 1)
        parts.append(part)
    return (parts if major == 4 else list(zip(parts[::2], parts[1::2]))), at
