"""The HTTP side: the socket, the routes, streams, and the faults that can strike."""
