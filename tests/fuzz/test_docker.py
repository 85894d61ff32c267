"""What a Docker Engine and the files of its command line say, damaged."""

import hashlib
import json
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

from dmr_tui.runner.decoding import decode
from dmr_tui.runner.discovery import docker_engine
from dmr_tui.runner.discovery.docker_contexts import (
    active_docker_context,
    read_contexts,
    read_docker_contexts,
)
from dmr_tui.runner.endpoint import BadHost, parse_host
from dmr_tui.runner.errors.failures import BadAnswer
from dmr_tui.text.sanitize import plain
from tests.engine_stand_in import container
from tests.fuzz.damage import damaged_bytes, damaged_json
from tests.fuzz.shown import TRIES, check_types

INFO = {"OperatingSystem": "x", "KernelVersion": "6", "Runtimes": {"runc": {"path": "runc"}}}
INSPECTED = container(
    health="healthy",
    env=("MODEL_RUNNER_TLS_ENABLED=true", "MODEL_RUNNER_TLS_PORT=12446"),
    host={"Devices": [{"PathOnHost": "/dev/dri/card0"}], "DeviceRequests": [{"Count": -1}]},
)


def test_damaged_answers_of_an_engine() -> None:
    rng = random.Random("engine")
    refused = 0
    for _ in range(5 * TRIES):
        body = damaged_json(INSPECTED, rng)
        try:
            found = docker_engine._controller(decode(body, docker_engine._Inspected))
            check_types(found)
            json.dumps(found.exit_code), found.name.encode()
            assert all(0 < each.port < 2**16 for each in found.published)
            check_types(decode(damaged_json(INFO, rng), docker_engine._Info))
        except BadAnswer:
            refused += 1
        except Exception as error:
            error.add_note(f"of {body[:3000]!r}")
            raise
    assert refused < 4 * TRIES


def test_damaged_files_of_the_command_line(tmp_path: Path) -> None:
    rng = random.Random("contexts")
    tls = {"enabled": True, "skipVerify": True, "caCert": "/x"}
    contexts: Any = {"current": "a", "contexts": {"a": {"host": "http://a:1", "tls": tls}}}
    meta = {"Name": "b", "Metadata": {}, "Endpoints": {"docker": {"Host": "unix:///x"}}}
    folder = tmp_path / "contexts" / "meta" / hashlib.sha256(b"b").hexdigest()
    folder.mkdir(parents=True)
    (tmp_path / "model").mkdir()

    def damaged(value: Any) -> bytes:
        body = damaged_json(value, rng)
        return body if rng.random() < 0.8 else damaged_bytes(body, rng)

    files = {
        tmp_path / "model" / "contexts.json": contexts,
        folder / "meta.json": meta,
        tmp_path / "config.json": {"currentContext": "b"},
    }
    for _ in range(TRIES):
        for path, content in files.items():
            path.write_bytes(damaged(content))
        try:
            found = read_contexts(tmp_path)
            check_types(found)
            assert len(plain(found.problem).splitlines()) < 2
            for named in found.named:
                with suppress(BadHost):
                    parse_host(named.host)
            for each in read_docker_contexts(tmp_path):
                check_types(each)
            assert isinstance(active_docker_context(tmp_path, {}), str)
        except Exception as error:
            error.add_note(str({path.name: path.read_bytes()[:500] for path in files}))
            raise
