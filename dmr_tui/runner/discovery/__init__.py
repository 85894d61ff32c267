"""Where the runner may be found."""
