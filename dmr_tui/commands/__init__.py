"""One file for each command: what it does, behind the flags of cli.py."""
