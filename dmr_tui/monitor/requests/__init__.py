"""The requests of every client: tracked, joined, counted."""
