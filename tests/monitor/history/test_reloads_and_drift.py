"""What nobody did and what has a name: reload thrash and config drift."""

from dmr_tui.monitor.history.timeline import Timeline
from dmr_tui.runner.logs.log_event import (
    ConfigurationKept,
    Configuring,
    Evicted,
    EvictingForRoom,
    LoadFailed,
    LogEvent,
    OllamaOptions,
    RunnerStarted,
)
from dmr_tui.text.events import event_cause, event_text
from tests.monitor.history.sample_lines import (
    A,
    B,
    T,
    call,
    kinds,
    load,
    only,
    started,
    texts,
    told,
    unloaded,
)


def test_reload_thrash_is_named_once_in_ten_minutes() -> None:
    lines: list[LogEvent] = []
    for number in range(5):
        at = T + 100.0 * number
        assert ("reload thrash" in kinds(told(*lines))) == (number > 2)
        lines += [*load(at), EvictingForRoom(at + 50.0, 2), unloaded(at + 50.0)]
        lines.append(Evicted(at + 51.0, 1))
    event = only(told(*lines), "reload thrash")
    assert (event.at, event.severity, event.digest) == (T + 200.0, "warning", A)
    assert event_text(event) == "load started 5 times within 7 min"
    assert "take turns" in event_cause(event)
    for late in (1000.0, 1100.0, 1200.0):
        lines += [*load(T + late), unloaded(T + late + 5.0)]
    assert texts(told(*lines), "reload thrash")[1:] == ["load started 3 times within 3 min"]


def test_a_load_that_fails_again_and_again() -> None:
    lines: list[LogEvent] = []
    for number in range(3):
        at = T + 10.0 * number
        lines += [started(at), LoadFailed(at + 5.0, A, "completion", "exit status 1")]
    assert event_cause(only(told(*lines), "reload thrash")).startswith("Its load fails")


def test_three_loads_in_more_than_ten_minutes_are_no_thrash() -> None:
    lines = [event for at in (0.0, 301.0, 602.0) for event in (*load(T + at), unloaded(T + at + 9))]
    assert "reload thrash" not in kinds(told(*lines))
    others = [event for n, who in enumerate((A, B, A, B)) for event in load(T + 9.0 * n, who)]
    assert "reload thrash" not in kinds(told(*others))


def test_reload_thrash_names_who_called() -> None:
    timeline = Timeline()
    for number, caller in enumerate(("n8n", "curl", "n8n")):
        timeline.take_request(call(T + 50.0 * number, caller=caller))
        for event in load(T + 50.0 * number):
            timeline.take_log(event)
    assert (
        event_text(only(timeline, "reload thrash"))
        == "load started 3 times within 2 min, called by curl, n8n"
    )


def test_a_context_that_changed_without_a_configure() -> None:
    def drift(*between: LogEvent, asked: tuple[int | None, int | None] = (8192, 4096)) -> Timeline:
        first, again = (
            load(T, context=8192, asked=asked[0]),
            load(T + 90, context=4096, asked=asked[1]),
        )
        return told(RunnerStarted(T - 9.0), *first, unloaded(T + 50.0), *between, *again)

    assert "config drift" not in kinds(drift(Configuring(T + 60.0, A, "")))
    text = "context changed from 8,192 to 4,096"
    for between, asked, cause in (
        ([OllamaOptions(T + 59.0, "x"), Configuring(T + 60.0, A, "")], (8192, 4096), "Ollama"),
        ([Configuring(T + 40.0, B, "")], (8192, 4096), "configuration is gone"),
        ([Configuring(T + 60.0, A, ""), RunnerStarted(T + 70.0)], (8192, 4096), "started anew"),
        ([Evicted(T + 50.1, 1)], (8192, 4096), "unloaded on request"),
        ([], (None, None), "fits it to the memory"),
        ([RunnerStarted(T + 70.0)], (None, None), "fits it to the memory"),
    ):
        timeline = drift(*between, asked=asked)
        event = only(timeline, "config drift")
        assert (event.severity, event.digest) == ("warning", A)
        assert event_text(event).startswith(text)
        assert ("by a call of the Ollama API" in event_text(event)) == (cause == "Ollama")
        assert cause in event_cause(event)
    same = told(*load(T), unloaded(T + 50.0), *load(T + 90.0), *load(T + 99.0, B, context=512))
    assert "config drift" not in kinds(same)


def test_a_configure_excuses_one_load_only() -> None:
    lines = [*load(T), unloaded(T + 9.0), Configuring(T + 9.1, A, "")]
    lines += [*load(T + 10.0, context=4096, asked=4096), unloaded(T + 20.0)]
    lines += load(T + 30.0, context=2048, asked=2048)
    assert event_text(only(told(*lines), "config drift")).startswith(
        "context changed from 4,096 to 2,048"
    )


def test_options_of_an_ollama_call_explain_one_configuration_only() -> None:
    lines = [*load(T), OllamaOptions(T + 9.0, "x"), Configuring(T + 9.1, A, "")]
    timeline = told(*lines, Configuring(T + 12.0, A, ""))
    assert texts(timeline, "reconfigured") == [
        "by a call of the Ollama API",
        "with another configuration",
    ]


def test_options_of_an_ollama_call_that_changed_nothing_are_no_cause() -> None:
    lines = [*load(T), OllamaOptions(T + 9.0, "x"), ConfigurationKept(T + 9.0), unloaded(T + 12.0)]
    timeline = told(*lines, Configuring(T + 12.0, A, ""), *load(T + 13.0, context=4096, asked=4096))
    assert "config drift" not in kinds(timeline)
    assert event_text(only(timeline, "reconfigured")) == "context 8k → 4k"
