"""The plans that the keys of a model make, with what the user should know before."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, Label, Static

from dmr_tui.measure.request_numbers import ended
from dmr_tui.monitor.alerts import RECENT_S
from dmr_tui.monitor.memory.fits import held_by, too_short
from dmr_tui.monitor.memory.what_if import AS_IT_IS, WhatIf, WhatIfResult, forecast_launch
from dmr_tui.runner.names import canonical, is_reference, short
from dmr_tui.state.lost_config import LostConfig
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.plan import (
    ConfigurePlan,
    LoadPlan,
    Plan,
    RemovePlan,
    TagPlan,
    UnloadPlan,
    UntagPlan,
)
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text import format
from dmr_tui.text.memory import free_text, listed, need_text
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.models.configure_dialog import ConfigureDialog
from dmr_tui.ui.models.confirm_dialog import ConfirmDialog
from dmr_tui.ui.shell.choice_dialog import ChoiceDialog
from dmr_tui.ui.shell.form import FormDialog, dialog_box
from dmr_tui.ui.shell.live_screen import READ_ONLY, LiveScreen
from dmr_tui.ui.shell.pane import preferences_of


def ask(
    screen: LiveScreen,
    plan: Plan,
    remarks: Sequence[str] = (),
    ended: Callable[[bool | None], None] | None = None,
) -> None:
    """Show the plan, and carry it out if the user confirms; `ended` hears whether it was done."""
    if screen.snapshot.read_only:
        screen.notify(READ_ONLY, severity="warning")
    else:
        screen.app.push_screen(ConfirmDialog(plan, remarks, screen.monitor), ended)


def load(screen: LiveScreen, row: ModelRow, what: WhatIf = AS_IT_IS) -> None:
    """Load the model as asked; where that does not fit, in the way that is printed beside it."""
    if row.digest is None:
        return
    memory = screen.snapshot.memory
    fit = None if memory is None else memory.fits.get(row.key)
    result = None if fit is None or memory is None else WhatIfResult(row, fit, memory, what)
    unload, context = ((), what.context) if result is None else result.way
    names = {each.key: each.name for each in screen.snapshot.models}
    going = {key: names.get(key, key) for key in unload}
    plan = LoadPlan(
        row.name,
        row.ref,
        row.digest,
        _mode(row),
        tuple(going.items()),
        context,
        what.cache_type,
        what.slots,
    )
    if row.loaded and not plan.configures:
        screen.notify(f"{plain(row.name)} is loaded; o configures it", markup=False)
        return
    told = list(_pool(screen, result, plan, as_asked=context == what.context))
    runner = screen.snapshot.runner
    full = runner.slots_total is not None and (runner.slots_used or 0) >= runner.slots_total
    if full and not row.loaded and not plan.unload:
        idle = {
            each.key: each.name
            for each in screen.snapshot.models
            if each.runs and all(run.state == "idle" for run in each.runs)
        }
        which = f": {plain(listed(list(idle), idle))}" if idle else ""
        told.append(f"Every slot of the runner is taken: it evicts all idle models for it{which}.")
        going |= idle
    if row.loaded:
        told.append("It is loaded now, and unloaded first; its cached prompts are forgotten.")
        going[row.key] = row.name
    ask(screen, plan, [*told, *_users(screen.snapshot, going)])


def _pool(
    screen: LiveScreen, result: WhatIfResult | None, plan: LoadPlan, *, as_asked: bool
) -> Iterator[str]:
    """Yield sentences about what the load needs, what is free, and what will be."""
    if result is None:
        return
    units = preferences_of(screen.app).units
    needs, pool, memory = result.need.total, result.pool.value, screen.snapshot.memory
    if needs.value is None:
        yield f"Whether it fits is not known: {needs.reason}."
        return
    if pool is not None and not result.loaded:
        free = f"{free_text(pool, units)} are free"
        held = held_by(memory.usages, memory.pool) if memory is not None else ()
        freed = sum(each.size for each in held if each.key in dict(plan.unload))
        then = f", {units.memory(pool.free + freed)} after unloading" if freed else ""
        then = f", its own included{then}" if result.own else then
        tokens = f"With {result.asked.context:,} tokens of context"
        yield f"{tokens} it needs {need_text(result.need, units)}; {free}{then}."
    if not as_asked and plan.context is not None:
        less = replace(result, what=replace(result.what, context=plan.context)).need.total.value
        yield f"With {plan.context:,} it needs ~{units.memory(less)}."
    if as_asked and result.hopeless:
        yield "By the estimate it does not fit: the load may fail."


def _users(snapshot: Snapshot, models: Mapping[str, str]) -> list[str]:
    """List the callers of those models in the last minutes; `models` are names by digest."""
    since = snapshot.runner_now - RECENT_S
    recent = [request for request in snapshot.finished if ended(request) >= since]
    told = []
    for digest, name in models.items():
        requests = (*recent, *snapshot.in_flight)
        callers = {request.caller for request in requests if request.digest == digest}
        names = sorted(snapshot.caller_names.get(caller, caller) for caller in callers)
        if names:
            who = plain(listed(names, {}))
            told.append(f"{who} used {plain(name)} in the last {format.age(RECENT_S)}.")
    return told


def unload(screen: LiveScreen, row: ModelRow) -> None:
    """Unload the model in every mode."""
    if row.digest is not None and row.runs:
        ask(screen, UnloadPlan(row.name, row.digest), _in_use(screen.snapshot, [row]))


def unload_all(screen: LiveScreen) -> None:
    """Unload one after the other, since the runner's own `all` forgets every configuration."""
    rows = [row for row in screen.snapshot.models if row.runs and row.digest is not None]
    if not rows:
        return
    (digest, name), *others = [(row.digest or "", row.name) for row in rows]
    plan = UnloadPlan(name, digest, tuple(others))
    ask(screen, plan, _in_use(screen.snapshot, rows))


def _in_use(snapshot: Snapshot, rows: Sequence[ModelRow]) -> list[str]:
    """Say which of the models are busy, and who used them in the last minutes."""
    busy = [plain(row.name) for row in rows if any(run.state == "busy" for run in row.runs)]
    told = f"{', '.join(busy)}: busy now; unless its calls end first, the runner refuses it."
    return [told] * bool(busy) + _users(snapshot, {row.key: row.name for row in rows})


def _configure_remarks(screen: LiveScreen, row: ModelRow, plan: ConfigurePlan) -> list[str]:
    told = []
    then = forecast_launch(screen.snapshot, row, plan.config)
    if then.trained is not None:
        told.append(f"It was trained for {then.trained:,} tokens; beyond them answers get worse.")
    if too_short(then.asked.context, row.context.trained):
        told.append(f"Prompt and answer share {then.asked.context:,} tokens: most calls will fail.")
    # Unlike a load, a configuration unloads no other model to make room.
    if then.lacks_memory:
        total = preferences_of(screen.app).units.memory(then.need.at_least)
        told.append(f"By the estimate it needs {total} and does not fit: the load may fail.")
    if any(run.state == "busy" for run in row.runs):
        told.append("It is busy now; unless its calls end first, the runner refuses it.")
    if row.loaded:
        told += _users(screen.snapshot, {row.key: row.name})
    return told


def configure(screen: LiveScreen, row: ModelRow) -> None:
    """Let the user change what is stored, then ask."""

    def chosen(plan: ConfigurePlan, ended: Callable[[bool | None], None]) -> None:
        ask(screen, plan, _configure_remarks(screen, row, plan), ended)

    screen.app.push_screen(ConfigureDialog(row, _mode(row), screen.monitor, chosen))


def reapply(screen: LiveScreen, row: ModelRow, lost: LostConfig) -> None:
    """Set again what was lost, with what is stored now as it is."""
    why = "The runner was restarted and forgot it." if lost.restarted else "Somebody replaced it."
    context = lost.config.get("context-size")
    told = [why, f"The context was {context:,}."] if isinstance(context, int) else [why]
    plan = ConfigurePlan(
        row.name, row.ref, lost.digest, lost.mode, lost.config, lost.now, again=True
    )
    ask(screen, plan, told)


def tag(screen: LiveScreen, row: ModelRow) -> None:
    """Let the user write another name, then ask."""

    def chosen(plan: TagPlan | None) -> None:
        if plan is None:
            return
        other, told = _holder(plan.target, screen.snapshot.models), []
        if other is not None and other.digest != row.digest:
            told = [f"{other.name} loses this name: whoever asks for it gets {row.name}."]
            if len(other.tags) == 1:
                told.append("It has no other name, and stays under its digest only.")
        ask(screen, plan, told)

    screen.app.push_screen(TagDialog(row, screen.snapshot.models), chosen)


def _holder(name: str, models: Sequence[ModelRow]) -> ModelRow | None:
    """Find the installed model that has this name now."""
    wanted = canonical(name)
    return next((row for row in models if wanted in map(canonical, row.tags)), None)


class TagDialog(FormDialog[TagPlan]):
    """One field; a name that another model has is taken from it, which is said."""

    def __init__(self, row: ModelRow, models: Sequence[ModelRow]) -> None:
        super().__init__()
        self._row = row
        self._models = models

    def compose(self) -> ComposeResult:
        title = f"Tag {plain(self._row.name)}"
        with dialog_box("tagging", title, "enter goes on, esc cancels", small=True):
            yield Label("The model")
            yield Static(Content.styled(plain(self._row.ref), "bold $value"), markup=False)
            yield Label("Another name for it")
            yield Input(placeholder="ai/my-model:v1", id="tag-name", max_length=200, compact=True)
            yield Static("", id="tag-problem", classes="problem", markup=False)
            yield self.buttons("Tag")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say which model would lose the name."""
        self.query_one("#tag-problem", Static).update(self._remark(event.value.strip()))

    def _remark(self, name: str) -> str:
        row = _holder(name, self._models) if is_reference(name) else None
        if row is None:
            return ""
        same = row.digest == self._row.digest
        return "it has this name already" if same else f"{plain(row.name)} loses this name"

    def action_save(self) -> None:
        """Take the name if it can be one."""
        name = self.query_one("#tag-name", Input).value.strip()
        if not is_reference(name) or "@" in name:
            problem = self.query_one("#tag-problem", Static)
            problem.update("a name is made of letters, digits and . _ - / :")
            return
        head, _, last = name.rpartition("/")
        last, _, tag = last.partition(":")
        repository = f"{head}/{last}" if head else last
        self.dismiss(TagPlan(self._row.name, self._row.ref, repository, tag or "latest"))


def remove(screen: LiveScreen, row: ModelRow) -> None:
    """Delete the model with all its names; of several names the user may take away one only."""
    if row.digest is None:
        return
    names = tuple(short(tag) for tag in row.tags or (row.digest,))
    size = format.told_size(row.size_text, row.size_bytes) if row.size_text else ""
    whole = RemovePlan(row.name, row.ref, row.digest, bool(row.runs), names, size)

    def chosen(plan: RemovePlan | UntagPlan | None) -> None:
        if plan is whole:
            ask(screen, whole, _in_use(screen.snapshot, [row]))
        elif plan is not None:
            ask(screen, plan, _users(screen.snapshot, {row.key: row.name}))

    if len(names) == 1:
        chosen(whole)
    else:
        screen.app.push_screen(RemoveDialog(whole, row.tags), chosen)


class RemoveDialog(ChoiceDialog[RemovePlan | UntagPlan]):
    """Choice between a whole model and one of its names; what is lost is asked after it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("D", "cancel", "Cancel")]

    def __init__(self, whole: RemovePlan, tags: Sequence[str]) -> None:
        size = f", {whole.size} on disk" if whole.size else ""
        choices: list[tuple[RemovePlan | UntagPlan, Content]] = []
        for tag in tags:
            ref = tag.removeprefix("docker.io/")
            others = tuple(short(other) for other in tags if other != tag)
            name = (f"{plain(short(ref))} ", "bold $value")
            words = Content.assemble((" only the name ", "$label"), name)
            choices.append((UntagPlan(whole.name, ref, whole.digest, others), words))
        all_of_it = (f"with all {len(whole.names)} names{plain(size)} ", "$label")
        words = Content.assemble((" the whole model ", "bold $value"), all_of_it)
        super().__init__(
            [*choices, (whole, words)],
            id="removing",
            title=f"Remove {plain(whole.name)}",
            hint="enter goes on, esc cancels",
        )


def _mode(row: ModelRow) -> str:
    return "embedding" if row.embedding else "completion"


QUESTIONS: dict[str, Callable[[LiveScreen, ModelRow], None]] = {
    "load_model": load,
    "unload_model": unload,
    "configure_model": configure,
    "tag_model": tag,
    "remove_model": remove,
}
"""The question of each action on one model."""
