"""The entry point of `python -m dmr_tui`."""

from dmr_tui.cli import main

if __name__ == "__main__":
    main()
