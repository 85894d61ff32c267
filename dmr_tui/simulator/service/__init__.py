"""The service of Docker Model Runner: loading, inference, records and versions."""
