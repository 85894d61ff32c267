"""The panes about the machine: hardware and memory, shared by screens."""
