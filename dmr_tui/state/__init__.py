"""Frozen types: what the monitor knows at one moment. No logic."""
