"""The runners that the dashboard can go over to while it runs."""

from collections.abc import Callable

from dmr_tui.commands.target import places
from dmr_tui.monitor.live import Monitor
from dmr_tui.runner.discovery.docker_contexts import (
    DEFAULT,
    docker_folder,
    read_contexts,
    read_docker_contexts,
)
from dmr_tui.runner.discovery.places import Places
from dmr_tui.runner.endpoint import BadHost, parse_host, without_secrets
from dmr_tui.settings.schema import Settings
from dmr_tui.ui.shell.runner_choices import Choice, Choices


class Contexts:
    """The runners that `docker model context ls` and `docker context ls` list, read on demand."""

    def __init__(self, settings: Settings, watch: Callable[[Places], Monitor]) -> None:
        """`watch` makes a monitor that looks there."""
        self._settings = settings
        self._watch = watch
        self._now = ""

    def choices(self) -> Choices:
        """All of them, and which one is watched."""
        settings, folder = self._settings, docker_folder()
        contexts = read_contexts(folder)
        found = [Choice(DEFAULT, "wherever a runner is found")]
        now = settings.context or (DEFAULT if settings.host else contexts.active)
        if settings.host:
            now = settings.host_rule
            found.insert(0, Choice(now, _label(settings.host)))
        for each in contexts.named:
            active = "active in docker model" if each.name == contexts.active else ""
            tls = "TLS, not checked" if each.tls.skip_verify else "TLS" if each.tls.enabled else ""
            note = ", ".join(filter(None, (tls, active, each.description)))
            found.append(Choice(each.name, _label(each.host), note))
        names = {each.name for each in contexts.named}
        for engine in read_docker_contexts(folder):
            if engine.name not in names:
                kind = "Docker Cloud" if engine.cloud else "a Docker context"
                found.append(Choice(engine.name, without_secrets(engine.host), kind))
        notes = (contexts.problem,) if contexts.problem else ()
        return Choices(tuple(found), self._now or now, notes)

    def watch(self, name: str) -> Monitor:
        """A monitor of that one. Raises BadHost."""
        named = self._settings.host is not None and name == self._settings.host_rule
        monitor = self._watch(places(self._settings, None if named else name))
        self._now = name
        return monitor


def _label(host: str) -> str:
    """The address without what is secret in it."""
    try:
        return parse_host(host, "context").label
    except BadHost:
        return "an address that cannot be used"
