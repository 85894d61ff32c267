"""Who holds memory: engines joined to models, others by name, the rest left unexplained."""

from msgspec.structs import replace

from dmr_tui.machine.reading import Reading
from dmr_tui.monitor.memory.attribution import attribute
from dmr_tui.state.engine_facts import EngineFacts
from tests.monitor.hardware import NOMIC, QWEN, card, computer, engine, user
from tests.ui.still import GIB, rows


def test_each_engine_holds_for_its_model_and_others_go_by_name() -> None:
    gpu = card(user(10, "llama-server", 6.0), user(20, "python3", 9.0), user(11, "", 0.5))
    machine = computer(gpu, engines=(engine(10, QWEN), engine(11, NOMIC, mode="embedding")))
    usages, rest, note = attribute(machine, rows(), {})
    assert [(each.name, each.key) for each in usages] == [
        ("qwen3:8B-Q4_K_M", QWEN),
        ("nomic-embed-text-v1.5:F16", NOMIC),
        ("python3", ""),
    ]
    qwen, nomic, other = usages
    assert qwen.vram == Reading(6 * GIB)
    assert qwen.busy
    assert not nomic.busy
    assert qwen.own == Reading(GIB // 2)
    assert qwen.ram == Reading(3 * GIB // 4)
    assert other.vram == Reading(9 * GIB)
    assert rest.value is not None
    assert abs(rest.value - 2.7 * GIB) < 2
    assert note == ""


def test_two_processes_of_one_model_are_added_up() -> None:
    gpu = card(user(10, "llama-server", 6.0), user(12, "llama-server", 1.0))
    machine = computer(gpu, engines=(engine(10, QWEN), engine(12, QWEN, mode="embedding")))
    usage = attribute(machine, rows(), {})[0][0]
    assert usage.vram == Reading(7 * GIB)
    assert usage.own == Reading(GIB)
    assert usage.pids == (10, 12)


def test_a_process_over_two_gpus_is_added_up() -> None:
    first = card(user(10, "llama-server", 6.0))
    second = card(user(10, "llama-server", 5.0), index=1)
    machine = computer(first, second, engines=(engine(10, QWEN),))
    assert attribute(machine, rows(), {})[0][0].vram == Reading(11 * GIB)


def test_programs_of_one_name_are_one() -> None:
    gpu = card(user(20, "chrome", 1.0), user(21, "chrome", 2.0))
    usages, _, _ = attribute(computer(gpu), rows(), {})
    (chrome,) = [each for each in usages if each.name == "chrome"]
    assert chrome.vram == Reading(3 * GIB)
    assert chrome.pids == (20, 21)


def test_an_engine_that_cannot_be_seen_is_said_not_zero() -> None:
    usages, _, note = attribute(computer(card()), rows(), {})
    assert usages[0].vram.value is None
    assert "cannot be seen" in usages[0].vram.reason
    assert "cannot be seen" in note


def test_hidden_gpu_processes_leave_the_engine_unknown_and_no_rest() -> None:
    hidden = card(processes=Reading(None, "NVML: no permission"))
    machine = computer(hidden, engines=(engine(10, QWEN),))
    usages, rest, _ = attribute(machine, rows(), {})
    assert usages[0].vram == Reading(None, "NVML: no permission")
    assert usages[0].own.value == GIB // 2
    assert rest == Reading(None, "NVML: no permission")


def test_an_engine_without_gpu_memory_holds_none_of_it() -> None:
    machine = computer(card(), engines=(engine(10, QWEN),))
    assert attribute(machine, rows(), {})[0][0].vram == Reading(0)


def test_no_gpu_is_a_reason() -> None:
    machine = computer(engines=(engine(10, QWEN),))
    usages, rest, _ = attribute(machine, rows(), {})
    assert usages[0].vram.value is None
    assert rest.value is None


def test_memory_of_a_mig_slice_is_not_counted_for_the_whole_gpu_again() -> None:
    whole = card(user(10, "llama-server", 6.0), used=10.0)
    slice_ = card(user(10, "llama-server", 6.0), used=7.0, total=10.0, index=1, slice_of=0)
    usages, rest, _ = attribute(computer(whole, slice_, engines=(engine(10, QWEN),)), rows(), {})
    assert usages[0].vram == Reading(6 * GIB)
    assert rest == Reading(GIB)


def test_processes_that_hold_more_than_is_in_use_leave_no_negative_rest() -> None:
    """NVML reads the total and the processes one after the other."""
    moved = card(user(10, "llama-server", 6.0), used=5.0)
    other = card(user(20, "python3", 2.0), used=3.0, index=1)
    _, rest, _ = attribute(computer(moved, other, engines=(engine(10, QWEN),)), rows(), {})
    assert rest == Reading(GIB)


def test_what_the_log_tells_are_the_parts() -> None:
    buffers = (("CPU", "weights", GIB), ("CUDA0", "weights", 3 * GIB), ("CUDA0", "cache", GIB))
    facts = EngineFacts(0.0, 8192, 1, buffers=buffers, layers="20 of 33")
    machine = computer(card(user(10, "x", 6.0)), engines=(engine(10, QWEN),))
    usage = attribute(machine, rows(), {QWEN: facts})[0][0]
    assert (usage.weights.value, usage.cache.value) == (4 * GIB, GIB)
    assert "log does not tell" in usage.compute.reason
    assert (usage.parts_source, usage.layers) == ("engine log", "20 of 33")


def test_an_engine_that_the_runner_does_not_name_is_shown_as_such() -> None:
    stranger = engine(30, "sha256:" + "f" * 64)
    unnamed = replace(stranger, pid=31, digest=None)
    usages, _, _ = attribute(computer(card(), engines=(stranger, unnamed)), rows(), {})
    named = [each for each in usages if "not in the runner's list" in each.name]
    assert [each.pids for each in named] == [(30,), (31,)]


def test_the_gpus_unknown_use_leaves_the_rest_unknown() -> None:
    gpu = card(user(10, "x", 6.0), memory_used=Reading(None, "NVML: says 2^64"))
    _, rest, _ = attribute(computer(gpu), rows(), {})
    assert rest == Reading(None, "NVML: says 2^64")
