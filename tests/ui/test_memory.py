"""The memory screen: who holds what, what fits, what would be if, and doing it."""

from dataclasses import replace

import msgspec
import pytest
from msgspec import structs
from textual.pilot import Pilot

from dmr_tui.machine.gpu.gpu import GpuReport
from dmr_tui.machine.reading import Reading
from dmr_tui.simulator.models.library import LLAMA32, PHI4, QWEN3, SMOLLM2
from dmr_tui.text.format import DEFAULT_UNITS
from dmr_tui.ui.memory.memory_screen import MemoryScreen
from dmr_tui.ui.messages import MemoryWanted
from dmr_tui.ui.widgets.glyphs import UNICODE
from tests.monitor.hardware import card, computer, engine, packaged, user
from tests.ui.memory_still import (
    LOADED,
    PRESSED,
    QWEN3_TOOK,
    SMALL,
    WIDE,
    beside_blender,
    no_gpu,
    rows,
    shown,
    still,
    two_gpus,
)
from tests.ui.screen import hides, screen_text, shows, type_text
from tests.ui.still import StillMonitor
from tests.waiting import until

READ_ONLY = "nothing is sent that changes the runner"


def line_of(text: str, start: str) -> str:
    """The line with that word, without the spaces between the columns."""
    line = next(line for line in text.splitlines() if start in line)
    return " ".join(line[line.index(start) :].split())


async def test_every_model_with_its_windows_need_and_verdict() -> None:
    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        text = screen_text(pilot.app)
        assert "Models 6 · 2 loaded · 3 fits · 1 no room" in text
        assert line_of(text, "│qwen3:8B").startswith(
            "│qwen3:8B-Q4_K_M 40k 8k — 8k 4.6 GiB 1.1 GiB 6.2 GiB loaded 40k"
        )
        assert "~12.2 GiB no room —" in line_of(text, "│phi4:14B")
        assert "~6.3 GiB fits 128k" in line_of(text, "│gemma3:4B")

    await shown(still(), test)


async def test_who_holds_what_and_what_nobody_explains() -> None:
    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        text = screen_text(pilot.app)
        assert "16.8 / 24 GiB  70 %" in text
        for held in ("qwen3 6.2", "nomic-embed-text-v1.5 0.7", "blender 9.0", "unexplained 0.9"):
            assert held in line_of(text, "│█ qwen3 6.2")
        assert "other programs 20.3" in line_of(text, "│█ qwen3 0.5")
        assert "mapped weights 0.5" in line_of(text, "│█ qwen3 0.5")
        vram, ram = line_of(text, "│VRAM"), line_of(text, "│RAM")
        for sign in (UNICODE.parts[0], UNICODE.parts[1], UNICODE.others):
            assert sign in vram
            assert sign in ram
        assert UNICODE.rest in vram
        assert UNICODE.rest not in ram

    await shown(still(), test)


async def test_pressure_in_a_word_with_its_cause() -> None:
    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await shows(pilot.app, "pressure high", "every task waits for memory 8 %", "swap 3.0 of")
        monitor.show(still())
        await shows(pilot.app, "pressure none")

    await shown(still(beside_blender(PRESSED)), test)


async def test_a_small_window_has_the_pressure_in_the_border() -> None:
    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await shows(pilot.app, "pressure high", "█ qwen3 6.2", "60.2 / 64 GiB", "no room")
        assert "╰─ pressure high" in screen_text(pilot.app)
        await pilot.resize_terminal(*WIDE)
        await shows(pilot.app, "│pressure high")
        await hides(pilot.app, "╰─ pressure high")

    await shown(still(beside_blender(PRESSED)), test, size=SMALL)


async def test_ram_is_shown_beside_however_many_gpus() -> None:
    cards = tuple(card(user(30, "blender", 2.0), used=2.0, index=number) for number in range(6))

    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await shows(pilot.app, "│VRAM0", "5 GPUs more", "│RAM")
        await pilot.resize_terminal(*WIDE)
        await shows(pilot.app, "│VRAM0", "│VRAM5", "│RAM")
        await hides(pilot.app, "GPUs more")

    await shown(still(computer(*cards), rows()), test, size=SMALL)


async def test_a_model_on_two_gpus_is_in_both_bars() -> None:
    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await shows(pilot.app, "│█ qwen3 4.0", "│█ qwen3 3.0 · ▚ blender 2.0")
        assert "7.0 GiB loaded" in line_of(screen_text(pilot.app), "│qwen3:8B")

    await shown(still(two_gpus(), rows(QWEN3.name)), test)


@pytest.mark.parametrize(
    ("keys", "context", "cache_type", "slots"),
    [
        ("+", 16384, None, None),
        ("+ + + +", 40960, None, None),
        ("-", 4096, None, None),
        ("- - - - - - - -", 256, None, None),
        ("> >", 10240, None, None),
        ("<", 7168, None, None),
        ("right left left", 7168, None, None),
        ("t", None, "q8_0", None),
        ("t t", None, "q4_0", None),
        ("p", None, None, 5),
        ("P P P P P", None, None, 1),
        ("M", 40960, None, None),
        ("- t P", 4096, "q8_0", 3),
        ("- t P 0", None, None, None),
        ("+ -", None, None, None),
        ("t t t", None, None, None),
    ],
)
async def test_keys_change_the_question(
    keys: str, context: int | None, cache_type: str | None, slots: int | None
) -> None:
    named = {"+": "plus", "-": "minus", ">": "greater_than_sign", "<": "less_than_sign"}

    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await pilot.press(*(named.get(key, key) for key in keys.split()))
        what = screen.what_if.what
        assert (what.context, what.cache_type, what.slots) == (context, cache_type, slots)
        text = screen_text(pilot.app)
        assert ("changed; 0 goes back" in text) == (what != type(what)())
        assert f"{context or 8192:,} " in text

    await shown(still(), test, at=QWEN3)


async def test_the_parts_add_up_and_the_verdict_follows() -> None:
    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await shows(pilot.app, "KV cache      3.1 GiB", "~ 12.2 GiB", "verdict     no room")
        await pilot.press("minus")
        await shows(pilot.app, "KV cache      1.6 GiB", "~ 10.6 GiB", "free          7.2 GiB  VRAM")
        await pilot.press("t")
        await shows(pilot.app, "KV cache    q8_0", "KV cache      0.8 GiB", "~  9.9 GiB")

    await shown(still(), test, at=PHI4)


async def test_another_model_is_another_question() -> None:
    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await pilot.press("minus")
        await shows(pilot.app, "changed; 0 goes back")
        await pilot.press("down")
        await hides(pilot.app, "changed; 0 goes back")
        await pilot.press("up")
        await shows(pilot.app, "loaded as it is")

    await shown(still(), test, at=QWEN3)


async def test_the_question_outlives_the_next_second() -> None:
    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await pilot.press("minus")
        monitor.show(still(models=rows(*LOADED, LLAMA32.name)))
        await until(lambda: "3 loaded" in screen_text(pilot.app))
        assert screen.what_if.what.context == 8192
        assert screen.what_if.row is not None
        assert screen.what_if.row.key == PHI4.digest

    await shown(still(), test, at=PHI4)


@pytest.mark.parametrize(
    ("share", "words"), [(1.25, "says 20 % less"), (0.8, "says 25 % more"), (1.0, "says the same")]
)
async def test_what_the_last_load_took_and_how_far_the_formula_is(share: float, words: str) -> None:
    memory = still().memory
    assert memory is not None
    total = memory.fits[QWEN3.digest].estimate.total.value
    assert total is not None
    took = structs.replace(QWEN3_TOOK, total=int(total * share))

    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        lines = screen.what_if.lines(400, 50)
        told = "".join(text for text, _ in lines[-1])
        size = DEFAULT_UNITS.memory(took.total)
        assert told.startswith(f"Its last load like this took {size} (NVML)")
        assert words in told

    unloaded = computer(card(used=0.5))
    await shown(still(unloaded, rows(), took=(took,)), test, at=QWEN3)


async def test_letters_of_a_filter_do_nothing_else() -> None:
    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await pilot.press("slash")
        await type_text(pilot, "llu")
        await shows(pilot.app, "no model matches the filter", "Models 0 of 6")
        assert READ_ONLY not in screen_text(pilot.app)
        await pilot.press("escape")
        await shows(pilot.app, "Models 6 ·")

    await shown(still(read_only=True), test)


async def test_the_filter_leaves_those_that_match() -> None:
    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await pilot.press("slash")
        await type_text(pilot, "phi")
        await shows(pilot.app, "Models 1 of 6", "What if · phi4:14B-Q4_K_M")
        await pilot.press("enter", "escape")
        await shows(pilot.app, "Models 6 ·")

    await shown(still(), test)


async def test_sorting_by_need_has_the_hungriest_first() -> None:
    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        for _ in range(20):
            await pilot.press("s")
            if "by needs" in screen_text(pilot.app):
                break
        text = screen_text(pilot.app)
        names = ("│phi4", "│gemma3", "│qwen3:", "│llama3.2", "│smollm2", "│nomic")
        places = [text.index(name) for name in names]
        assert places in (sorted(places), sorted(places, reverse=True))

    await shown(still(), test)


async def test_from_elsewhere_to_a_model() -> None:
    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await pilot.press("1")
        pilot.app.post_message(MemoryWanted(PHI4.digest))
        await shows(pilot.app, "What if · phi4:14B-Q4_K_M")

    await shown(still(), test)


async def test_a_runner_elsewhere_is_not_judged_by_this_computer() -> None:
    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await shows(pilot.app, "this machine, not the runner's", "the runner is on another machine")
        text = screen_text(pilot.app)
        assert "2 loaded · 4 unknown" in text
        assert "GiB unknown —" in line_of(text, "│phi4:14B")
        assert "= needs    ~" in text
        assert "verdict     " not in text

    await shown(still(host="gpubox:12434"), test, at=PHI4)


async def test_without_a_gpu_models_go_to_ram() -> None:
    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await shows(pilot.app, "models go to RAM", "— no NVIDIA driver on this machine")
        await shows(pilot.app, "qwen3 2.0", "mapped weights 4.0", "GiB  RAM", "verdict     fits")

    await shown(still(no_gpu(), rows(QWEN3.name)), test, at=SMOLLM2)


async def test_nothing_installed_and_nothing_read_yet() -> None:
    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await shows(pilot.app, "no models installed yet: press n to pull", "no model chosen")
        monitor.show(replace(still(), memory=None, machine=replace(still().machine, machine=None)))
        await shows(pilot.app, "reading the machine …", "Models 6 ")

    await shown(still(models=()), test)


async def test_memory_of_a_gpu_that_cannot_be_read_is_unknown_and_never_a_bar() -> None:
    lost = card(memory_used=Reading(None, "NVML: 18446744073709551615 is absurd"))

    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await shows(pilot.app, "VRAM    — NVML: 18446744073709551615 is absurd")
        text = screen_text(pilot.app)
        assert "2 loaded · 4 unknown" in text
        assert UNICODE.full not in line_of(text, "│VRAM").split("││")[0]

    await shown(still(computer(lost)), test, at=PHI4)


async def test_more_in_use_than_there_is_stays_within_the_bar() -> None:
    over = card(user(30, "blender", 90.0), used=30.0, total=24.0)

    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await shows(pilot.app, "30.0 / 24 GiB 125 % full", "free            0 MiB")
        assert UNICODE.empty not in line_of(screen_text(pilot.app), "│VRAM")
        await shows(pilot.app, "verdict     no room")

    await shown(still(computer(over), rows()), test, at=SMOLLM2)


async def test_a_header_that_lies_is_unknown_with_its_reason() -> None:
    (honest,) = packaged(SMOLLM2)
    assert honest.config is not None
    lies = {**(honest.config.gguf or {}), "llama.block_count": "18446744073709551615"}
    liar = msgspec.structs.replace(honest, config=msgspec.structs.replace(honest.config, gguf=lies))

    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await shows(pilot.app, "1 unknown")
        assert ">0.7 GiB unknown —" in line_of(screen_text(pilot.app), "│smollm2")
        lines = screen.what_if.lines(200, 50)
        told = "\n".join("".join(text for text, _ in line) for line in lines)
        assert told.count("the header says block_count is 18446744073709551615") == 1
        assert "verdict     unknown: not all of it is known" in told

    await shown(still(models=rows(models=[liar])), test, at=SMOLLM2)


async def test_names_that_are_meant_to_harm() -> None:
    evil = computer(
        card(user(30, "[red]x[/]\x1b[2J", 9.0), used=9.0),
        engines=(engine(11, "sha256:" + "e" * 64, name="[b]y\x07"),),
    )

    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await shows(pilot.app, "[red]x[/]")
        assert "\x1b" not in screen_text(pilot.app)

    await shown(still(evil, rows()), test)


async def test_no_gpu_at_all_has_its_reason() -> None:
    none = replace(computer(), gpu=GpuReport("", (), "Vulkan says [no]"))

    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await shows(pilot.app, "VRAM    — Vulkan says [no]")

    await shown(still(none, rows()), test)
