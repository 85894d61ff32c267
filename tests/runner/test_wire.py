"""The answers of every recorded version can be read."""

import msgspec
import pytest

from dmr_tui.runner import wire
from tests.recorded import recorded, versions

FORMS = {
    "models": list[wire.Model],
    "ps-running": list[wire.Running],
    "ps-busy": list[wire.Running],
    "df": wire.DiskUsage,
    "requests": list[wire.RecordGroup],
    "requests-in-flight": list[wire.RecordGroup],
    "configure-show-after": list[wire.Configured],
}


@pytest.mark.parametrize(
    ("path", "name"), [(path, name) for path in FORMS for name in versions(path)]
)
def test_recorded_answers(path: str, name: str) -> None:
    answer = msgspec.json.decode(recorded(name).body, type=FORMS[path])
    assert answer


def test_models() -> None:
    tiny, mid = msgspec.json.decode(recorded("v1.2.6/models").body, type=list[wire.Model])
    assert tiny.tags == ["docker.io/ai/tiny:Q4"]
    assert tiny.config is not None
    assert tiny.config.context_size == 2048
    assert tiny.config.gguf is not None
    assert tiny.config.gguf["llama.block_count"] == "2"
    assert mid.config is not None
    assert mid.config.size == "145.53MiB"


def test_busy_and_idle_runners() -> None:
    tiny, mid = msgspec.json.decode(recorded("v1.2.6/ps-busy").body, type=list[wire.Running])
    assert (tiny.in_use, mid.in_use) == (False, True)
    assert tiny.last_used is not None
    assert tiny.last_used.year == 2026
    assert mid.last_used is not None
    assert mid.last_used.year == 1


def test_configuration_has_capital_keys() -> None:
    (entry,) = msgspec.json.decode(
        recorded("v1.2.6/configure-show-after").body, type=list[wire.Configured]
    )
    assert entry.config.context_size == 2048
    assert entry.config.keep_alive == "1m30s"
    assert entry.model_id.startswith("sha256:984bca8e")


def test_fields_of_the_future_are_skipped_and_missing_ones_are_none() -> None:
    (model,) = msgspec.json.decode(b'[{"id":"sha256:1","new":{"a":[1]}}]', type=list[wire.Model])
    assert (model.tags, model.config) == (None, None)


def test_wrong_types_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'[{"backend_name":1}]', type=list[wire.Running])
