"""The chat pane: prompts to the selected model."""
