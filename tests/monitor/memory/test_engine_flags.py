"""How an engine is started, read from its words."""

import pytest

from dmr_tui.monitor.memory.engine_flags import Flags, read_flags


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        ("-ngl 999 --metrics --ctx-size 2048 --jinja", Flags(context=2048, layers=999)),
        ("-c 4096 -np 2 -no-kvu", Flags(context=4096, slots=2, unified=False)),
        ("--ctx-size=8192 --parallel=4 -kvu", Flags(context=8192, slots=4, unified=True)),
        (
            "-ctk q8_0 --cache-type-v q4_0 -ub 256 -fa off",
            Flags(key_type="q8_0", value_type="q4_0", ubatch=256, flash=False),
        ),
        ("-fa auto", Flags()),
        ("-c 1024 -c 2048", Flags(context=2048)),
        ("--ctx-size lots -np", Flags()),
        ("--ctx-size -1", Flags(context=-1)),
        ("serve /models/x --max-model-len 16384", Flags(context=16384)),
        ("", Flags()),
    ],
)
def test_flags(words: str, flags: Flags) -> None:
    assert read_flags(words.split()) == flags
