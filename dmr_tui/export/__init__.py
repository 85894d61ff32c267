"""The Snapshot for programs and people without a screen."""
