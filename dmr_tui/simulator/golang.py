"""The formats of Go's standard library: JSON, times, durations, log values."""

import json
import re
from datetime import UTC, datetime
from typing import Any

NEVER = "0001-01-01T00:00:00Z"
"""Go's zero time."""

FOREVER = -1
"""The keep-alive, in nanoseconds, of a runner that is never unloaded."""

_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9}
_UNITS["h"] = 60 * _UNITS["m"]
_PART = re.compile(r"(\d{1,18}(?:\.\d{0,18})?|\.\d{1,18})(ns|us|µs|ms|s|m|h)")
_ESCAPE = re.compile("[<>&\u2028\u2029]")


def go_json(value: Any, *, sort_keys: bool = False) -> str:
    """JSON without spaces, with the characters escaped that Go escapes for HTML."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=sort_keys)
    return _ESCAPE.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)


def through_float64(value: Any) -> Any:
    """`value` as Go shows it after decoding into `any`: 17.0 has become 17."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    if isinstance(value, list):
        return [through_float64(each) for each in value]
    if isinstance(value, dict):
        return {key: through_float64(each) for key, each in value.items()}
    return value


def rfc3339(ns: int) -> str:
    """Unix nanoseconds as RFC 3339 in UTC; zeros at the end of the fraction are cut."""
    fraction = f".{ns % 10**9:09d}".rstrip("0").rstrip(".")
    return f"{_seconds(ns)}{fraction}Z"


def log_stamp(ns: int) -> str:
    """Unix nanoseconds with all nine digits, as a log line's prefix has them."""
    return f"{_seconds(ns)}.{ns % 10**9:09d}Z"


def _seconds(ns: int) -> str:
    return datetime.fromtimestamp(ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def parse_keep_alive(text: str) -> int:
    """Nanoseconds of "5m", "1h30m", "0"; FOREVER for anything negative. Raises ValueError."""
    if text == "0":
        return 0
    sign, rest = ("-", text[1:]) if text.startswith("-") else ("", text.removeprefix("+"))
    if text == "-1":
        return FOREVER
    parts = _PART.findall(rest)
    if not parts or "".join(number + unit for number, unit in parts) != rest:
        raise ValueError(f"invalid keep_alive duration {text!r}")
    total = sum(round(float(number) * _UNITS[unit]) for number, unit in parts)
    return FOREVER if sign and total else total


def duration(ns: int) -> str:
    """Nanoseconds as Go prints a Duration: 1m30s, 5m0s, 1.5s, 250ms, 0s."""
    if ns == 0:
        return "0s"
    if ns < _UNITS["s"]:
        unit = next(u for u in ("ms", "µs", "ns") if ns >= _UNITS[u])
        return f"{_decimal(ns, _UNITS[unit])}{unit}"
    minutes, rest = divmod(ns, _UNITS["m"])
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest, _UNITS['s'])}s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


def _decimal(amount: int, unit: int) -> str:
    whole, rest = divmod(amount, unit)
    fraction = f"{rest:0{len(str(unit)) - 1}d}".rstrip("0") if rest else ""
    return f"{whole}.{fraction}" if fraction else str(whole)


def keep_alive_text(ns: int) -> str:
    """A keep-alive as the runner shows it: "-1", or a duration."""
    return "-1" if ns == FOREVER else duration(ns)


def log_value(text: str) -> str:
    """A value of a log line, in quotes if it has to be."""
    if text and all(sign.isprintable() and sign not in ' "=' for sign in text):
        return text
    return quoted(text)


def quoted(text: str) -> str:
    """A Go string literal."""
    return '"' + "".join(_literal(sign) for sign in text) + '"'


_NAMED = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def _literal(sign: str) -> str:
    if sign in _NAMED:
        return _NAMED[sign]
    if sign.isprintable():
        return sign
    code = ord(sign)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}"
