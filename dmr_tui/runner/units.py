"""Sizes, counts and durations that Docker Model Runner writes as text."""

import re

_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)\s{0,9}([kKMGTP]?)(i?)B")
_COUNT = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)\s{0,9}([kKMBT]?)")
_DURATION_PART = re.compile(r"([0-9]{1,19}(?:\.[0-9]{1,19})?)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}

FOREVER = float("inf")
DEFAULT_KEEP_ALIVE_S = 300.0
"""Seconds after which DMR unloads an idle model whose keep_alive nothing sets."""


def size_bytes(text: str | None) -> int | None:
    """Bytes of a size such as "4.58GiB" or "1.02GB"; None for anything else.

    DMR mixes both families: binary up to 1 GB, decimal between 1e9 and 2^30 bytes.
    """
    parts = size_parts(text)
    if parts is None:
        return None
    number, unit = parts
    power = " KMGTP".index(unit[0].upper()) if unit[0] != "B" else 0
    return round(number * (1024.0 if "i" in unit else 1000.0) ** power)


def size_parts(text: str | None) -> tuple[float, str] | None:
    """Return the number and the unit of a size, as it was written; None for anything else."""
    match = _SIZE.fullmatch((text or "").strip())
    if match is None:
        return None
    number, prefix, binary = match.groups()
    return float(number), f"{prefix}{binary}B"


def parameter_count(text: str | None) -> int | None:
    """Parameters of a count such as "8.19 B" or "122.56K"; None for anything else."""
    match = _COUNT.fullmatch((text or "").strip())
    if match is None:
        return None
    number, suffix = match.groups()
    power = ("", "K", "M", "B", "T").index(suffix.upper())
    return round(float(number) * 1000.0**power)


def keep_alive_seconds(text: str | None) -> float | None:
    """Seconds of a keep_alive such as "1m30s", `FOREVER` if negative, None if it is none."""
    text = (text or "").strip()
    if text.startswith("-"):
        return FOREVER
    if text == "0":
        return 0.0
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)
