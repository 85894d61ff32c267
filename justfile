# `just` alone lists the recipes; they run in .venv, which `just setup` makes.

bin := ".venv/bin"

_list:
    @just --list

# Make .venv and install dmr-tui with what its tests need
setup:
    python3 -m venv .venv
    {{bin}}/pip install --quiet -e '.[dev]'

# The dashboard, beside a real runner
run *ARGS:
    {{bin}}/dmr-tui {{ARGS}}

# The dashboard, on the simulated runner
demo:
    {{bin}}/dmr-tui --demo

# The tests
test *ARGS:
    {{bin}}/pytest {{ARGS}}

# All that CI checks
check: test
    {{bin}}/ruff check .
    {{bin}}/ruff format --check .
    {{bin}}/mypy
    {{bin}}/lint-imports

# Redraw the snapshot pictures of the tests; look at each of them before committing
snap:
    {{bin}}/pytest tests/ui -k pictures --snapshot-update -n 0

# Make the pictures in screenshots/ from the simulated runner
screenshots:
    {{bin}}/python -m tests.screenshots

# Random keys, clicks and sizes: SEED, number of inputs, scenario
monkey *ARGS:
    {{bin}}/python -m tests.monkey {{ARGS}}

# Damaged answers and lines, so many times as many as CI tries
fuzz ROUNDS="20":
    FUZZ_ROUNDS={{ROUNDS}} {{bin}}/pytest tests/fuzz --timeout 3600

# Start, idle, streaming: beside a bare Textual app in the same run
bench *ARGS:
    {{bin}}/python -m tests.bench {{ARGS}}

# A hostile runner: the dashboard's peak of memory in each attack
hostile *ARGS:
    {{bin}}/python -m tests.faults {{ARGS}}

# Mixed traffic and changing screens: MINUTES, and what has grown then
soak MINUTES="30" *SEED:
    {{bin}}/python -m tests.soak {{MINUTES}} {{SEED}}
