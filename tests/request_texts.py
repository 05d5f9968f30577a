"""Texts of requests for tests, and values to put into them that may be anything."""

from __future__ import annotations

import math

from hypothesis import strategies as st

SMALL = """date = "2026-11-24"
[train]
template = "mixed"
[from]
point = "Sloe"
ready = "20:30"
[to]
point = "Odzg"
window = ["04:10", "04:40"]
"""

UNDATED = SMALL.replace('date = "2026-11-24"\n', "")

VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**20), 10**20),
        st.floats(),
        st.text(max_size=12),
        st.sampled_from(["20:30", "04:10", "2026-11-25T04:10", "2026-10-25T02:30", "Ut", "all", "diesel", "24:00"]),
        st.sampled_from(["threat", "DEF", "IENW", "2026-11-26T06:00+01:00", "fixed_time"]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
"""Values of a TOML document, sensible or not."""


def toml(value: object) -> str:
    """Write a value as TOML; nothing becomes an empty text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return "nan" if math.isnan(value) else ("-inf" if value < 0 else "inf") if math.isinf(value) else repr(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(str(key))} = {toml(item)}" for key, item in value.items()) + "}"
    text = str(value if value is not None else "")
    return '"' + "".join(f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}" for c in text) + '"'
