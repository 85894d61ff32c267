"""Everything that changes the runner, done only at the user's wish."""
