"""The command palette: every action of the table that can be done now."""

from collections.abc import Iterator

from textual.command import DiscoveryHit, Hit, Hits, Provider

from dmr_tui.ui.act import Act
from dmr_tui.ui.actions import ACTS


class ActProvider(Provider):
    """Offers the actions of the table."""

    async def discover(self) -> Hits:
        """Everything, in the order of the table."""
        for act in self._possible():
            yield DiscoveryHit(act.title, lambda act=act: self._run(act), help=act.help)

    async def search(self, query: str) -> Hits:
        """What matches the query by its name."""
        matcher = self.matcher(query)
        for act in self._possible():
            score = matcher.match(act.title)
            if score > 0:
                yield Hit(
                    score,
                    matcher.highlight(act.title),
                    lambda act=act: self._run(act),
                    help=act.help,
                )

    def _possible(self) -> Iterator[Act]:
        for act in ACTS:
            namespace, _, name = act.action.partition(".")
            owner = self.app if namespace == "app" else self.screen
            method = f"action_{name.partition('(')[0]}"
            if act.title and hasattr(owner, method):
                yield act

    async def _run(self, act: Act) -> None:
        namespace, _, name = act.action.partition(".")
        await self.app.run_action(name, self.app if namespace == "app" else self.screen)
