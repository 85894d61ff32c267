"""Finished requests on disk, in one SQLite file."""
