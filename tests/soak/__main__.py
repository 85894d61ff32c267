"""`just soak`: mixed traffic and changing screens for so many minutes, and what then has grown.

usage: python -m tests.soak [MINUTES] [SEED]
"""

import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence

import psutil

from tests.soak.samples import Sample, sample, settled, slope, table
from tests.soak.steps import SIZES, sequence
from tests.terminal import Terminal, dmr_tui, simulated

SAMPLE_S = 10.0
KEY_S = 0.2
FROZEN_S = 20.0
RESIZED = 0.05
"""The part of the sequences after which the terminal gets another size."""
MOST = 0.1
"""MiB a minute."""
JUDGED_MIN = 30.0
"""Minutes below which a slope says little."""


def soak(command: Sequence[str], seconds: float, seed: str) -> tuple[list[Sample], str]:
    """Use the dashboard for so long; returns what it held, and how it ended too early."""
    rng = random.Random(seed)
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory() as home:
        folders = {f"XDG_{kind}_HOME": f"{home}/{kind}" for kind in ("STATE", "DATA", "CONFIG")}
        terminal = Terminal(command, HOME=home, **folders)
        done: list[str] = []
        try:
            terminal.shows("● up", seconds=120.0)
            terminal.drawing = False
            while (now := time.monotonic() - terminal.started) < seconds:
                name, keys = sequence(rng)
                done.append(f"{now:.0f} s: {name}")
                if rng.random() < RESIZED:
                    terminal.resize(*rng.choice(SIZES))
                terminal.written.clear()
                for key in keys:
                    terminal.keys(key)
                    terminal.pump(KEY_S)
                    now = time.monotonic() - terminal.started
                    if now >= len(samples) * SAMPLE_S:
                        samples.append(sample(terminal.pid, now))
                        print(samples[-1], flush=True)
                # Each sequence changes something, and clocks go on by themselves.
                if not terminal.pump(FROZEN_S, lambda: bool(terminal.written)):
                    return samples, f"it does not react after {done[-5:]}"
        except (OSError, psutil.Error) as error:
            wrote = bytes(terminal.written[-2000:])
            return samples, f"it ended: {error}\nafter {done[-5:]}\n{wrote!r}"
        finally:
            terminal.kill()
    return samples, ""


def main(minutes: str = "30", seed: str = "1") -> int:
    """Print a table and the slopes; returns 1 if it ended early, or grew in half an hour."""
    with simulated("--scenario", "mixed", "--seed", "1") as url:
        samples, ended = soak(dmr_tui("--host", url), 60.0 * float(minutes), seed)
    if ended:
        print(ended)
        return 1
    kept = settled(samples)
    print(f"\n{table(samples)}\n")
    grows = slope([(each.at, each.pss) for each in kept])
    for what, a_minute in (
        ("PSS, MiB", grows),
        ("descriptors", slope([(each.at, each.descriptors) for each in kept])),
        ("threads", slope([(each.at, each.threads) for each in kept])),
    ):
        said = "unknown" if a_minute is None else f"{a_minute:+.3f}"
        print(f"slope of {what} a minute, after minute {kept[0].at / 60:.1f}: {said}")
    if float(minutes) < JUDGED_MIN:
        return 0
    return 1 if grows is None or grows > MOST else 0


if __name__ == "__main__":
    # The runner and the dashboard are to end as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main(*sys.argv[1:]))
