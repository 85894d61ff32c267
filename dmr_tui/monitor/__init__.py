"""The state of the runner and its computer now: sources, polled and joined into one Snapshot."""
