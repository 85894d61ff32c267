"""The slots of an engine: one answer each at a time, further requests wait in line."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from dmr_tui.simulator.output.tokens import shared_prefix


@dataclass(slots=True, eq=False)
class Slot:
    """One place in which an answer is made, with the tokens that its cache still holds."""

    id: int
    tokens: list[str] = field(default_factory=list)
    graphs: int = 0
    """Compute graphs reused so far."""
    busy: bool = False


class Slots:
    """All slots, first come, first served."""

    def __init__(self, count: int) -> None:
        self._all = [Slot(number) for number in range(count)]
        self._line: deque[asyncio.Future[Slot]] = deque()

    @property
    def working(self) -> int:
        return sum(slot.busy for slot in self._all)

    @property
    def waiting(self) -> int:
        return len(self._line)

    def take(self, prompt: list[str]) -> Slot | None:
        """A free slot, the one whose cache helps `prompt` most; None if all are busy."""
        free = [slot for slot in self._all if not slot.busy]
        if not free:
            return None
        chosen = max(free, key=lambda slot: shared_prefix(slot.tokens, prompt))
        chosen.busy = True
        return chosen

    async def wait(self, prompt: list[str]) -> Slot:
        """Wait for a slot; those who came before get theirs first."""
        if not self._line and (slot := self.take(prompt)):
            return slot
        turn: asyncio.Future[Slot] = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.free(turn.result())
            elif turn in self._line:
                self._line.remove(turn)
            raise

    def free(self, slot: Slot) -> None:
        """Give `slot` to the next in line, if there is one."""
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(slot)
                return
        slot.busy = False
