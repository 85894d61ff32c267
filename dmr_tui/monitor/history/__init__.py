"""The timeline: loads, unloads, configurations, errors."""
