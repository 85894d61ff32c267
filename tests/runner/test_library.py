"""`dmr_tui.runner` in a script of one's own: the README's example, types, and no side effects."""

import json
import re
import subprocess
import sys
from inspect import isclass, isfunction
from pathlib import Path
from typing import get_type_hints

import httpx
import pytest

import dmr_tui.runner
from dmr_tui.simulator.server import Simulator, serve

README = Path(__file__).parents[2] / "README.md"
PROGRAM_ONLY = ("textual", "docker", "psutil", "pynvml", "typer", "uvicorn", "starlette")


def in_a_fresh_interpreter(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert not done.stderr
    return done.stdout


def example() -> str:
    (block,) = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert "localhost:12434" in block
    return str(block)


def test_the_example_of_the_readme_lists_requests() -> None:
    with serve(Simulator("quiet")) as url:
        body = {"model": "ai/smollm2:360M-Q4_K_M", "max_tokens": 4}
        body["messages"] = [{"role": "user", "content": "Say hello"}]
        answer = httpx.post(f"{url}/engines/v1/chat/completions", json=body, timeout=30)
        printed = in_a_fresh_interpreter(example().replace("localhost:12434", url))
    assert answer.status_code == 200
    tokens = answer.json()["usage"]["completion_tokens"]
    assert re.search(rf"smollm2\S* python-httpx cut {tokens}\n", printed)


def test_the_example_of_the_readme_explains_a_failure() -> None:
    printed = in_a_fresh_interpreter(example().replace("localhost:12434", "localhost:9"))
    assert printed == "The runner does not answer\n"


def test_a_client_that_is_left_is_closed() -> None:
    script = """
import asyncio
from dmr_tui.runner import RunnerClient, RunnerError, parse_host
async def main():
    async with RunnerClient(parse_host("localhost:9")) as runner:
        pass
    try:
        await runner.version()
    except RunnerError as error:
        print(error)
asyncio.run(main())
"""
    assert in_a_fresh_interpreter(script) == "the runner was lost and is being looked for\n"


def test_importing_it_changes_nothing_of_the_interpreter() -> None:
    script = """
import anyio, asyncio, httpx, httpx_sse, json, msgspec, os, ssl, sys, threading
def state():
    return {
        **{name: dict(vars(module)) for name, module in before.items()},
        "environment": dict(os.environ),
        "threads": threading.enumerate(),
        "folder": os.getcwd(),
        "path": list(sys.path),
    }
before = {name: module for name, module in sys.modules.items() if name != "__main__"}
was = state()
import dmr_tui.runner
for name in dmr_tui.runner.__all__:
    getattr(dmr_tui.runner, name)
now = state()
print(json.dumps([
    f"{name}.{key}"
    for name in before
    for key in was[name].keys() | now[name].keys()
    if was[name].get(key, was) is not now[name].get(key, now)
]))
print(json.dumps([name for name in was if name not in before and was[name] != now[name]]))
print(json.dumps([
    name
    for name, module in sys.modules.items()
    if before.get(name, module) is not module or (module is None and name not in before)
]))
"""
    changed, others, replaced = map(json.loads, in_a_fresh_interpreter(script).splitlines())
    assert not changed
    assert not others
    assert not replaced


def test_it_imports_none_of_the_program() -> None:
    script = """
import json, sys, threading
import dmr_tui.runner
first = [name for name in sys.modules if name.startswith(("httpx", "anyio", "msgspec"))]
dmr_tui.runner.Endpoint
address = [name for name in sys.modules if name.startswith(("httpx", "anyio", "msgspec"))]
for name in dmr_tui.runner.__all__:
    getattr(dmr_tui.runner, name)
rooms = {name.split(".")[1] for name in sys.modules if name.startswith("dmr_tui.")}
print(json.dumps({
    "first": first,
    "for an address": address,
    "rooms": sorted(rooms),
    "modules": sorted({name.partition(".")[0] for name in sys.modules}),
    "highlighter": sys.modules.get("httpx._main", ...) is None,
    "threads": threading.active_count(),
}))
"""
    found = json.loads(in_a_fresh_interpreter(script))
    assert not found["first"], "names are loaded when they are first used"
    assert not found["for an address"], "an address needs no client"
    assert found["rooms"] == ["runner"]
    assert not set(PROGRAM_ONLY) & set(found["modules"])
    assert not found["highlighter"]
    assert found["threads"] == 1


def test_the_program_spares_itself_the_command_line_of_httpx() -> None:
    script = """
import sys
import dmr_tui.cli
print("httpx._main" in sys.modules)
sys.argv = ["dmr-tui", "status", "--host", "localhost:9"]
try:
    dmr_tui.cli.main()
except SystemExit as end:
    print(end.code, "httpx" in sys.modules, sys.modules["httpx._main"])
"""
    lines = in_a_fresh_interpreter(script).splitlines()
    assert (lines[0], lines[-1]) == ("False", "2 True None")


@pytest.mark.parametrize("name", dmr_tui.runner.__all__)
def test_every_public_name_is_typed(name: str) -> None:
    thing = getattr(dmr_tui.runner, name)
    assert thing.__module__.startswith("dmr_tui.runner.")
    assert name in dir(dmr_tui.runner)
    members = vars(thing) if isclass(thing) else {name: thing}
    for member, value in members.items():
        function = value.fget if isinstance(value, property) else value
        # What `dataclass` writes besides the constructor has no annotations, and needs none.
        if isfunction(function) and (member == "__init__" or not member.startswith("__")):
            signature = getattr(function, "__wrapped__", function).__code__
            arguments = signature.co_varnames[: signature.co_argcount + signature.co_kwonlyargcount]
            assert {*arguments, "return"} - {"self"} <= get_type_hints(function).keys(), member


def test_a_name_that_is_not_public_is_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Everything'"):
        dmr_tui.runner.Everything  # noqa: B018
