"""Scenarios for a simulated runner: a past, and clients that keep it busy."""
