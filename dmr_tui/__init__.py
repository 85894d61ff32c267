"""dmr-tui: the terminal dashboard of Docker Model Runner."""

__version__ = "0.1.0"
