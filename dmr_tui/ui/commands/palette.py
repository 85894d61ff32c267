"""The command palette: every action of the table that can be done now."""

from collections.abc import Iterator, Mapping

from textual.command import DiscoveryHit, Hit, Hits, Provider

from dmr_tui.ui.commands.command import Command
from dmr_tui.ui.commands.table import COMMANDS


def _help(act: Command, keymap: Mapping[str, str]) -> str:
    # Not needed before the list of commands is opened.
    from dmr_tui.ui.commands.keymap import key_words

    return f"{key_words(act, keymap)}  {act.help}"


class CommandProvider(Provider):
    """Offers the actions of the table."""

    async def discover(self) -> Hits:
        """Yield every command, in the order of the table."""
        for act in self._possible():
            help = _help(act, self._keymap)
            yield DiscoveryHit(act.title, lambda act=act: self._run(act), help=help)

    async def search(self, query: str) -> Hits:
        """Yield the commands whose names match the query."""
        matcher = self.matcher(query)
        for act in self._possible():
            score = matcher.match(act.title)
            if score > 0:
                yield Hit(
                    score,
                    matcher.highlight(act.title),
                    lambda act=act: self._run(act),
                    help=_help(act, self._keymap),
                )

    def _possible(self) -> Iterator[Command]:
        for act in COMMANDS:
            namespace, _, name = act.action.partition(".")
            owner = self.app if namespace == "app" else self.screen
            method = f"action_{name.partition('(')[0]}"
            if act.title and hasattr(owner, method):
                yield act

    @property
    def _keymap(self) -> Mapping[str, str]:
        return getattr(self.app, "keymap", {})

    async def _run(self, act: Command) -> None:
        namespace, _, name = act.action.partition(".")
        await self.app.run_action(name, self.app if namespace == "app" else self.screen)
