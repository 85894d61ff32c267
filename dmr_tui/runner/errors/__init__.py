"""How a request to the runner fails, and what that means."""
