"""A monitor beside a simulated runner, as the tests of the monitor have it."""

from tests.monitor.conftest import watch

__all__ = ["watch"]
