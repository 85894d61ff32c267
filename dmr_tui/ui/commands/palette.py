"""The command palette: every command of the table that can be done now."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.dom import DOMNode

from dmr_tui.ui.commands.table import COMMANDS, Command

PANES = {"timeline": "#events", "log": "#log", "requests": "#finished"}
"""Panes that have methods of commands, by the place where the keys of these commands work."""


class CommandProvider(Provider):
    """Offers the commands of the table."""

    async def discover(self) -> Hits:
        """Yield every command, in the order of the table."""
        for command, owner in self._possible():
            run, help = self._run(command, owner), self._help(command)
            yield DiscoveryHit(command.title, run, help=help)

    async def search(self, query: str) -> Hits:
        """Yield the commands whose names match the query."""
        matcher = self.matcher(query)
        for command, owner in self._possible():
            score = matcher.match(command.title)
            if score > 0:
                run, help = self._run(command, owner), self._help(command)
                yield Hit(score, matcher.highlight(command.title), run, help=help)

    def _possible(self) -> Iterator[tuple[Command, DOMNode]]:
        for command in COMMANDS:
            if command.title:
                for owner in self._owners(command):
                    if hasattr(owner, command.method):
                        yield command, owner

    def _owners(self, command: Command) -> Iterable[DOMNode]:
        match command.owner:
            case "app":
                return [self.app]
            case "pane":
                return self.screen.query(PANES[command.where])
        return [self.screen]

    def _help(self, command: Command) -> str:
        # Not needed before the list of commands is opened.
        from dmr_tui.ui.commands.keymap import key_words

        return f"{key_words(command, getattr(self.app, 'keymap', {}))}  {command.help}"

    def _run(self, command: Command, owner: DOMNode) -> Callable[[], Awaitable[bool]]:
        return partial(self.app.run_action, command.action, owner)
