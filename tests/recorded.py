"""Exchanges with real runners, as they were recorded."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "recordings"


@dataclass(frozen=True)
class Exchange:
    """One recorded request and its answer."""

    request: dict[str, Any]
    response: dict[str, Any]

    @property
    def body(self) -> str:
        """The whole answer, whether it came at once or in pieces."""
        if "body" in self.response:
            return str(self.response["body"])
        return "".join(chunk["data"] for chunk in self.response["chunks"])

    @property
    def json(self) -> Any:
        """The answer as JSON."""
        return json.loads(self.body)


def recorded(name: str) -> Exchange:
    """The exchange in `name`, such as "v1.2.6/models"."""
    content = json.loads((FOLDER / f"{name}.json").read_text())
    return Exchange(content["request"], content["response"])


def versions(name: str) -> list[str]:
    """The recordings of one call, for every version that has it."""
    return sorted(f"{p.parent.name}/{name}" for p in FOLDER.glob(f"v*/{name}.json"))


def client_records() -> list[tuple[str, dict[str, Any]]]:
    """What the recorder held of each step of each client: ("client: step", record)."""
    found = []
    for path in sorted((FOLDER / "clients").glob("*.json")):
        content = json.loads(path.read_text())
        for step in content["steps"]:
            for record in step.get("records") or []:
                found.append((f"{path.stem}: {step['what']}", record))
    return found
