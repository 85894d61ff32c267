"""Begins every action at the user's wish with what it needs of the runner that is watched now."""

from collections.abc import Callable

from dmr_tui.measure.meter import Turn
from dmr_tui.monitor.actions.chat import Ask
from dmr_tui.monitor.actions.pulls import Pulls, look_up
from dmr_tui.monitor.actions.replay import Replay, find_bodies
from dmr_tui.monitor.actions.run import ActionRun, waiting_steps
from dmr_tui.monitor.later_parts import Actions, Stoppable, Surroundings
from dmr_tui.monitor.requests.request_log import RequestLog
from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.errors.explain import Explanation, explain
from dmr_tui.runner.errors.failures import RunnerError
from dmr_tui.runner.request import Request
from dmr_tui.state.memory import LoadConditions
from dmr_tui.state.plan import Plan, Progress
from dmr_tui.state.prompt import Prompt
from dmr_tui.state.replies import Bodies, RemoteModel, StoredConfigResult

NO_RUNNER = Explanation("No runner answers")


class RunnerActions(Actions):
    """Every action; without a runner each says so."""

    def __init__(
        self,
        around: Surroundings,
        request_log: RequestLog,
        loading: Callable[[], LoadConditions | None],
    ) -> None:
        """`loading` returns the conditions of a load."""
        self.pulls = Pulls(around.changed)
        self._runner = around.runner
        self._request_log = request_log
        self._loading = loading
        self._kick = around.kick

    def ask(self, prompt: Prompt, publish: Callable[[Turn], None]) -> Stoppable | None:
        if (runner := self._runner()) is None:
            why = Explanation("No runner to ask", "", "The prompt was not sent.")
            publish(Turn(prompt.model, ended=True, failure=why))
            return None
        # What was asked for is soon to be seen: loading, busy, the finished request.
        self._kick()
        return Ask(runner.client, runner.installed, prompt, publish)

    def replay(
        self, request: Request, model: str, publish: Callable[[Turn], None]
    ) -> Stoppable | None:
        if (runner := self._runner()) is None:
            why = Explanation("No runner to ask", "", "Nothing was sent.")
            publish(Turn(model, ended=True, failure=why))
            return None
        archive = self._request_log.writer
        return Replay(runner, archive, request, model, publish, self._kick)

    def run_plan(self, plan: Plan, publish: Callable[[Progress], None]) -> Stoppable | None:
        if (runner := self._runner()) is None:
            why = explain(RunnerError("no runner answers"), plan.name)
            publish(Progress(waiting_steps(plan), ended=True, failure=why))
            return None
        return ActionRun(runner, plan, publish, self._kick)

    async def bodies(self, request: Request, publish: Callable[[Bodies], None]) -> None:
        publish(await find_bodies(self._client, self._request_log.writer, request))

    async def stored_config(
        self, digest: str, mode: str, publish: Callable[[StoredConfigResult], None]
    ) -> None:
        if (client := self._client) is None:
            publish(StoredConfigResult(failure=NO_RUNNER))
            return
        try:
            publish(StoredConfigResult(await client.stored_config(digest, mode)))
        except RunnerError as error:
            publish(StoredConfigResult(failure=explain(error)))

    async def look_up(self, name: str, publish: Callable[[RemoteModel], None]) -> None:
        if (runner := self._runner()) is None:
            publish(RemoteModel(name, failure=NO_RUNNER))
        else:
            publish(await look_up(runner.client, name, runner.installed, self._loading()))

    async def pull(self, name: str) -> None:
        if (client := self._client) is None:
            self.pulls.refuse(name, NO_RUNNER)
        else:
            await self.pulls.run(client, name, self._kick)

    async def stop_pull(self, name: str) -> None:
        self.pulls.stop(name)

    async def forget_pulls(self) -> None:
        self.pulls.forget()

    async def name_caller(self, caller: str, name: str, limit: float | None) -> None:
        await self._request_log.name_caller(caller, name, limit)

    async def dismissed(self, key: str) -> None:
        """Forget the lost configuration that the warning `key` is about, if it is about one."""
        if (runner := self._runner()) is not None:
            await runner.configurations.forget(key)

    @property
    def _client(self) -> RunnerClient | None:
        runner = self._runner()
        return None if runner is None else runner.client
