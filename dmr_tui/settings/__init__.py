"""The user's choices: flags before environment before TOML file before default."""
