"""The settings, each with its default and what is allowed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Literal, get_args

from msgspec import Meta

from dmr_tui.measure.thresholds import Levels, Thresholds
from dmr_tui.text.format import Units
from dmr_tui.text.preferences import Preferences

Theme = Literal["dmr-dark", "dmr-light", "ansi-dark", "ansi-light"]
THEMES: tuple[Theme, ...] = get_args(Theme)

# The description ends the error for a wrong value.
_Address = Annotated[str | None, Meta(description="an address in quotes")]
_Context = Annotated[str | None, Meta(description="the name of a context in quotes")]
_Switch = Annotated[bool, Meta(description="true or false")]
_OptionalSwitch = Annotated[bool | None, Meta(description="true or false")]
_File = Annotated[str | None, Meta(description="the path of a file in quotes")]
_Interval = Annotated[
    float,
    Meta(
        ge=0.25,
        le=60.0,
        description="a number of seconds from 0.25 to 60; "
        "faster polling would disturb what it watches",
    ),
]
_Days = Annotated[
    float, Meta(ge=0.01, le=36_500.0, description="a number of days from 0.01 to 36500")
]
_Megabytes = Annotated[float, Meta(ge=1.0, le=1e9, description="a number of megabytes, 1 or more")]


@dataclass(frozen=True, slots=True)
class Settings:
    """Every choice, checked."""

    host: _Address = field(default=None, repr=False)
    """Address of the runner: URL, host:port or the path of a unix socket. None: look for it."""
    context: _Context = None
    """A named context of `docker model context`, or one of Docker itself. None: the active one."""
    tls: _OptionalSwitch = None
    """Speak TLS to the runner, true or false. None: as the address or the context says."""
    tls_skip_verify: _OptionalSwitch = None
    """Take any certificate, true or false; the screen says so. None: as the context says."""
    tls_ca_cert: _File = None
    """File with the certificates of those who may sign the runner's. None: the system's."""
    interval: _Interval = 1.0
    """Seconds between two polls, 0.25 to 60."""
    read_only: _Switch = False
    """Send nothing that changes the runner, prompts included: true or false."""
    theme: Theme = "dmr-dark"
    """dmr-dark, dmr-light, or the terminal's own 16 colours: ansi-dark, ansi-light."""
    memory_unit: Literal["GiB", "GB"] = "GiB"
    """Unit of memory: GiB, as in nvidia-smi and llama.cpp, or GB."""
    temperature_unit: Literal["C", "F"] = "C"
    """Degrees: C or F."""
    archive: _Switch = True
    """Keep the requests that ended, without their prompts and answers: true or false."""
    archive_file: _File = None
    """The file that they are kept in. None: requests.db in the platform's data folder."""
    archive_days: _Days = 30.0
    """Days after which a request is deleted, 0.01 to 36500."""
    archive_mb: _Megabytes = 500.0
    """Megabytes from which on the oldest requests are deleted, 1 or more."""
    archive_bodies: _Switch = False
    """Keep prompts and answers as well: true or false."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Other keys than the usual ones: what is done = its keys, several with commas between."""
    thresholds: Mapping[str, Levels] = field(default_factory=dict)
    """From which numbers on something is called heavy, critical or slow: a number, or a list."""
    host_rule: str = ""
    """The flag, variable or file that named the host."""
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """The origin of each setting that is not the default; "keys.ID" and "thresholds.NAME"."""

    @property
    def preferences(self) -> Preferences:
        """The choices about how things are shown and judged."""
        return Preferences(
            Units(self.memory_unit, self.temperature_unit), Thresholds(self.thresholds)
        )


SETTABLE = tuple(
    each.name for each in fields(Settings) if each.name not in ("host_rule", "origins")
)
TABLES = ("keys", "thresholds")
"""The settings that are tables."""
OF_DMR = ("host", "tls", "tls_skip_verify", "tls_ca_cert")
"""The settings whose variables `docker model` reads as well."""
VARIABLES = {
    name: f"{'MODEL_RUNNER' if name in OF_DMR else 'DMR_TUI'}_{name.upper()}" for name in SETTABLE
}


def flag_of(name: str) -> str:
    """Return the flag of a setting."""
    return f"--{(name[:-1] if name in TABLES else name).replace('_', '-')}"
