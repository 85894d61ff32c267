"""The Snapshot for programs, and for users without a screen."""
