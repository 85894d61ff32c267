"""The fields of a log line: its stamp, Go's key=value pairs and quoting, llama.cpp's prefix."""

import re
from datetime import datetime
from functools import lru_cache

from dmr_tui.runner.wire import LAST_MOMENT

HEAD = 160
"""Characters at the beginning of a line in which stamp, time and level stand."""

_STAMP = re.compile(r"\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z)\]", re.ASCII)
_TIME = re.compile(
    r"\btime=\"?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)(?=[\"\s])", re.ASCII
)
_PAIR = re.compile(r'(?<!\S)([\w.-]{1,60})=(?:"([^"\\]*(?:\\.[^"\\]*)*)"|([^\s"]*)(?!\S))')
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_NAMED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
# Minutes, seconds, milliseconds and microseconds since the engine began; then the level.
_UPTIME = re.compile(r"(\d{1,9})\.(\d\d)\.(\d{3})\.(\d{3}) ([A-Z]) +", re.ASCII)


def stamp(line: str) -> float:
    """The time of `line`, in seconds since 1970; 0.0 if it has none."""
    match = _STAMP.search(line, 0, HEAD) or _TIME.search(line, 0, HEAD)
    if match is None:
        return 0.0
    moment = _moment(match[1], match[3])
    return moment + float(f"0{match[2]}") if moment and match[2] else moment


def without_stamp(line: str) -> str:
    """`line` without its stamp."""
    match = _STAMP.match(line)
    return line[match.end() :].lstrip(" ") if match else line


@lru_cache(maxsize=256)
def _moment(text: str, zone: str) -> float:
    try:
        moment = datetime.fromisoformat(f"{text}{'+00:00' if zone == 'Z' else zone}")
        return min(max(0.0, moment.timestamp()), LAST_MOMENT)
    except (ValueError, OverflowError):
        return 0.0


def pairs(text: str) -> dict[str, str]:
    """The values by their keys, without quotes; one whose closing quote is missing is no pair."""
    return {
        key: unquoted(quoted) if quoted else plain for key, quoted, plain in _PAIR.findall(text)
    }


def unquoted(text: str) -> str:
    """`text` without Go's escapes; a byte that was not UTF-8 stays as Go shows it."""
    return _ESCAPE.sub(_meant, text) if "\\" in text else text


def _meant(match: re.Match[str]) -> str:
    digits = match[1] or match[2] or match[3]
    if digits is None:
        return _NAMED.get(match[4], match[4] if match[4] in "\"'\\" else match[0])
    code = int(digits, 16)
    if (match[1] and code >= 0x80) or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        return match[0]
    return chr(code)


def engine_prefix(text: str, start: int = 0) -> tuple[float, str, int] | None:
    """Uptime in seconds, level and start of the message, if `text` has them at `start`."""
    match = _UPTIME.match(text, start)
    if match is None:
        return None
    minutes, seconds, ms, us, level = match.groups()
    uptime = int(minutes) * 60 + int(seconds) + int(ms) / 1e3 + int(us) / 1e6
    return uptime, level, match.end()
