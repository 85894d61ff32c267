"""A page whose name was pointed to this computer does not reach the simulator."""

import pytest

from tests.simulator.conftest import Shared


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *((host, 200) for host in ("localhost:1", "127.0.0.1", "[::1]:8", "192.168.1.7:12434")),
        *((host, 200) for host in ("model-runner.docker.internal", "box", "box.local", "")),
        *(
            (host, 403)
            for host in ("evil.local.example", "evil.example:12434", "a.localhost.evil.com")
        ),
        *((host, 403) for host in ("127.0.0.1.evil.com:80", "[::1", "a.b@evil.example")),
    ],
)
def test_names_of_the_web_are_refused(fresh: Shared, host: str, status: int) -> None:
    _, client = fresh
    for path in ("/models", "/engines/ps", "/", "/logs"):
        assert client.get(path, headers={"host": host}).status_code == status
