"""What the user can choose: flags before environment before TOML file before default."""
