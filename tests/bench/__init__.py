"""What the dashboard costs, beside a bare Textual app in the same run: `just bench`."""
