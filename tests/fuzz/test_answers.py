"""Damaged answers of a runner, from their bytes to what is written about them."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dmr_tui.monitor.actions.replay import read_bodies, refusal
from dmr_tui.monitor.archive.store import Archive
from dmr_tui.monitor.history.timeline import Timeline
from dmr_tui.monitor.log.engine_log import EngineLog
from dmr_tui.monitor.memory.footprints import Footprints
from dmr_tui.monitor.memory.memory_monitor import Known, MemoryMonitor
from dmr_tui.monitor.model_rows import Installed, Loaded
from dmr_tui.monitor.requests.slot_tasks import SlotTasks
from dmr_tui.monitor.requests.tracker import RequestTracker
from dmr_tui.runner import wire
from dmr_tui.runner.backend import parse_status
from dmr_tui.runner.decoding import decode, decode_groups, decode_list
from dmr_tui.runner.errors.explain import explain_text
from dmr_tui.runner.errors.failures import BadAnswer
from dmr_tui.runner.logs.log_line import parse_line, read_line
from dmr_tui.text.events import event_text
from dmr_tui.ui.models import model_details
from dmr_tui.ui.timeline.log_text import clock_time, line_parts
from tests.fuzz.damage import damaged_bytes, damaged_json
from tests.fuzz.shown import STILL, TRIES, show, show_requests
from tests.monitor.actions.test_replay import CALL
from tests.recorded import client_records, recorded
from tests.ui.still import NOW


def models(body: bytes) -> None:
    installed = Installed(decode_list(body, wire.Model))
    rows = installed.rows(Loaded(ps=PS))
    memory = MemoryMonitor(Footprints(None), lambda: None)
    known = Known(STILL.runner, rows, now=NOW)
    show(replace(STILL, models=rows, memory=memory.look(STILL.machine.machine, known)))
    for row in rows:
        for facts in (model_details._package, model_details._metadata, model_details._contexts):
            list(facts(row))


def ps(body: bytes) -> None:
    running = decode_list(body, wire.Running)
    rows = Installed(MODELS).rows(Loaded(ps=running))
    timeline = Timeline()
    timeline.take_ps([], running, NOW, log_readable=False)
    show(replace(STILL, models=rows, events=timeline.events))


def configured(body: bytes) -> None:
    found = decode_list(body, wire.Configured)
    rows = Installed(MODELS).rows(Loaded(ps=PS, configured=found))
    timeline = Timeline()
    timeline.take_configured([], found, NOW)
    show(replace(STILL, models=rows, events=timeline.events))
    decode_list(body, wire.StoredConfig)


def records(body: bytes) -> None:
    groups = decode_groups(body)
    tracker = RequestTracker()
    tracker.take_list(groups, NOW)
    tracker.take_event("new_request", groups, NOW)
    finished = tracker.finished
    timeline = Timeline()
    for request in finished:
        timeline.take_request(request)
    show_requests(finished)
    throughput = tracker.throughput(NOW)
    show(replace(STILL, finished=finished, events=timeline.events, throughput=throughput))


def status(body: bytes) -> None:
    texts = decode(body, dict[str, str])
    backends = tuple(parse_status(name, text) for name, text in texts.items())
    show(replace(STILL, runner=replace(STILL.runner, backends=backends)))


def chunk(body: bytes) -> None:
    decode(body, wire.Chunk)


def disk(body: bytes) -> None:
    used = decode(body, wire.DiskUsage).models_disk_usage
    show(replace(STILL, runner=replace(STILL.runner, models_bytes=used)))


def pull_line(body: bytes) -> None:
    decode(body, wire.PullLine)


MODELS = decode_list(recorded("v1.2.6/models").body.encode(), wire.Model)
PS = decode_list(recorded("v1.2.6/ps-running").body.encode(), wire.Running)
CLIENTS = [{"model": "sha256:x", "records": [record for _, record in client_records()[::9]]}]
ANSWERS: list[tuple[Callable[[bytes], None], Any]] = [
    (models, recorded("v1.2.6/models").json),
    (models, recorded("v1.0.12/models").json),
    (ps, recorded("v1.2.6/ps-two-modes").json),
    (configured, recorded("v1.2.6/configure-show").json),
    (records, recorded("v1.2.6/requests").json),
    (records, recorded("v1.1.20/requests").json),
    (records, CLIENTS),
    (status, recorded("v1.2.6/status").json),
    (chunk, recorded("v1.2.6/chat-json").json),
    (disk, recorded("v1.2.6/df").json),
    (pull_line, {"type": "progress", "total": 9, "layer": {"id": "x", "size": 9, "current": 3}}),
]


@pytest.mark.parametrize("number", range(len(ANSWERS)))
def test_a_damaged_answer_is_refused_or_read(number: int) -> None:
    read, answer = ANSWERS[number]
    read(json.dumps(answer).encode())
    rng = random.Random(f"{number}")
    refused = 0
    for _ in range(TRIES):
        body = damaged_json(answer, rng)
        try:
            read(body)
        except BadAnswer:
            refused += 1
        except Exception as error:
            error.add_note(f"of {body[:3000]!r}")
            raise
    assert refused < TRIES, "nothing that was damaged could be read any more"


def test_the_bodies_inside_a_record_are_damaged_too() -> None:
    rng = random.Random("bodies")
    recordings = [record for _, record in client_records()]
    for _ in range(2 * TRIES):
        record = dict(rng.choice(recordings))
        for name in ("request", "response"):
            try:
                inner = json.loads(record.get(name) or "")
            except ValueError:
                continue
            record[name] = damaged_json(inner, rng).decode("utf-8", "replace")
        texts = record.get("request") or "", record.get("response") or ""
        body = json.dumps([{"model": "sha256:x", "records": [record]}]).encode()
        try:
            records(body)
            read_bodies(CALL, texts, "runner")
            refusal(texts)
        except Exception as error:
            error.add_note(f"of {body[:3000]!r}")
            raise


def test_damaged_lines_of_the_log() -> None:
    rng = random.Random("log")
    text = "".join(recorded(f"v1.2.6/{name}").body for name in ("logs", "logs-follow"))
    lines = [line for line in text.splitlines() if line]
    timeline, engines, tasks = Timeline(), EngineLog(), SlotTasks()
    for _ in range(20 * TRIES):
        line = damaged_bytes(rng.choice(lines).encode(), rng).decode("utf-8", "replace")
        event = read_line(line)
        taken = parse_line(line)
        clock_time(taken.at)
        line_parts(taken, None)
        if event is not None:
            engines.take(event)
            tasks.take(event)
            timeline.take_log(event)
    for event in timeline.events:
        event_text(event)


def test_damaged_errors_are_explained() -> None:
    rng = random.Random("errors")
    texts = [recorded(f"v1.2.6/{name}").body for name in ("load-oom", "chat-ctx-overflow")]
    for _ in range(5 * TRIES):
        text = damaged_bytes(rng.choice(texts).encode(), rng).decode("utf-8", "replace")
        assert explain_text(rng.choice((0, 400, 404, 500)), text, "ai/x").what


def test_every_request_that_was_read_can_be_archived(tmp_path: Path) -> None:
    rng = random.Random("archive")
    archive = Archive(tmp_path / "requests.db", keep_days=1.0, keep_mb=10.0, bodies=False)
    archive.open()
    recordings = [record for _, record in client_records()]
    for _ in range(TRIES):
        body = damaged_json([{"model": "m", "records": [rng.choice(recordings)]}], rng)
        tracker = RequestTracker()
        try:
            tracker.take_event("new_request", decode_groups(body), NOW)
        except BadAnswer:
            continue
        for request in tracker.finished:
            archive.add([request], "here")
    archive.close()
