"""A Snapshot cannot be changed by those who read it."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from types import MappingProxyType

import msgspec

from dmr_tui.monitor.saved_configs import SavedConfigs
from dmr_tui.runner.wire import StoredConfig
from dmr_tui.state.frozen import frozen, thawed
from dmr_tui.state.request_filter import RequestFilter, View
from tests.monitor.conftest import Watch

CHANGEABLE = (dict, list, set, bytearray)


def changeable(value: object, path: str) -> Iterator[str]:
    """Yield the path of everything within `value` that can be changed."""
    if isinstance(value, CHANGEABLE):
        yield path
    elif isinstance(value, tuple):
        for number, each in enumerate(value):
            yield from changeable(each, f"{path}[{number}]")
    elif isinstance(value, MappingProxyType):
        for key, each in value.items():
            yield from changeable(each, f"{path}[{key}]")
    elif is_dataclass(value):
        for part in fields(value):
            yield from changeable(getattr(value, part.name), f"{path}.{part.name}")
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from changeable(getattr(value, name), f"{path}.{name}")


def test_nothing_in_a_snapshot_can_be_changed(watch: Watch) -> None:
    watched = watch("workflow")
    watched.monitor.look(View(requests=RequestFilter(), groups=True, log=True, doctor=True))
    snapshot = watched.until(
        lambda s: s.models and s.memory and s.finished and s.log and s.doctor and s.events
    )
    assert set(changeable(snapshot, "snapshot")) == set()


def test_a_lost_configuration_is_frozen_at_every_depth() -> None:
    saved = SavedConfigs()
    whole = {"context-size": 4096, "runtime-flags": ["--threads", "4"], "more": {"a": [1]}}
    saved.see([StoredConfig("sha256:a", "completion", whole)])
    saved.see([])
    (lost,) = saved.lost
    assert set(changeable(lost, "lost")) == set()
    assert thawed(lost.config) == whole
    assert lost.config == frozen(whole)
    saved.see([StoredConfig("sha256:a", "completion", whole)])
    assert saved.lost == ()
