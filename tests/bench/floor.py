"""The floor: a Textual app with a table, a header and a footer, in which nothing moves."""

from textual.app import App, ComposeResult
from textual.widgets import DataTable, Footer, Header


class Floor(App[None]):
    """The least that any Textual program costs."""

    BINDINGS = [("q", "quit", "Quit"), ("x", "mark", "Mark")]  # noqa: RUF012

    def compose(self) -> ComposeResult:
        yield Header()
        yield DataTable()
        yield Footer()

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        table.add_columns("one", "two", "three")
        for number in range(20):
            table.add_row(f"row {number}", f"{number * 7}", "stands still")

    def action_mark(self) -> None:
        """Something to see after a key."""
        self.title = "marked"


if __name__ == "__main__":
    Floor().run()
