"""A table whose rows change faster than it is laid out."""

from textual.app import App, ComposeResult

from dmr_tui.ui.themes import DARK, variables_of
from dmr_tui.ui.widgets.table import Column, Table
from tests.waiting import until


class Rows(App[None]):
    """One table with a thousand numbers, the newest at the top."""

    CSS = "Table { overflow-x: hidden; }"

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variables_of(DARK)

    def compose(self) -> ComposeResult:
        columns = [Column[int]("number", "NUMBER", 0, lambda row: (str(row), ""), sort=int)]
        yield Table(columns, key=str, empty=lambda: (("none", ""),), follow=True, id="rows")


async def test_a_filter_that_changes_twice_before_the_next_layout() -> None:
    app = Rows()
    async with app.run_test(size=(40, 10)) as pilot:
        table = app.query_one(Table)
        table.show(range(1000))
        table.focus()
        await until(lambda: app.focused is table and table.size.height == 10)
        await pilot.press("end")
        await until(lambda: table.scroll_y > 900)
        table.keep(lambda row: row < 3)
        table.keep(lambda row: row < 2)
        table.keep(lambda row: False)
        table.keep(lambda row: row == 999)
        assert table.row == 999
        table.keep(None)
        assert table.shown == 1000
