"""Signs for terminals that show ASCII only."""

import pytest
from rich.cells import cell_len

from dmr_tui.ui.ascii import to_ascii


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ~ text", "plain ~ text"),
        ("╭─ Models ─╮", "+- Models -+"),
        ("│ 12 °C │", "| 12  C |"),
        ("0–100 % — …", "0-100 % - ~"),
        ("café ½", "cafe ?"),
        ("模型 x", "???? x"),
        ("\u202eevil", "evil"),
    ],
)
def test_each_sign_takes_as_many_cells_as_before(text: str, shown: str) -> None:
    assert to_ascii(text) == shown
    assert cell_len(to_ascii(text)) == cell_len(text)
