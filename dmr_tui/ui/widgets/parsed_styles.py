"""Styles that are parsed once, however often Textual reads them again."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from textual.cache import LRUCache
from textual.css.stylesheet import Stylesheet

SOURCES = 1024
"""More than there are: each file of styles, and each class of widgets with styles of its own."""


@lru_cache(maxsize=4)
def _parsed(variables: frozenset[tuple[str, str]]) -> LRUCache[tuple[Any, ...], Any]:
    # What a source means depends on the colours of the theme, and on nothing else.
    return LRUCache(SOURCES)


class ParsedStyles(Stylesheet):
    """A stylesheet that remembers the rules of each source, for each of the last themes.

    Textual parses all sources anew before the first paint, again for the theme, and again whenever
    a screen is opened for the first time: half of the time until that screen is there.
    """

    def __init__(self, *, variables: Mapping[str, str] | None = None) -> None:
        super().__init__(variables=dict(variables or {}))
        self._parse_cache = _parsed(frozenset(self._variables.items()))

    def set_variables(self, variables: dict[str, str]) -> None:
        """Take the colours of a theme."""
        # Textual empties the rules that it finds here.
        self._parse_cache = LRUCache(1)
        super().set_variables(variables)
        self._parse_cache = _parsed(frozenset(variables.items()))

    def reparse(self) -> None:
        """Join the rules of all sources again; only those of new ones are parsed."""
        self.parse()
