"""What Docker Model Runner says over HTTP."""
