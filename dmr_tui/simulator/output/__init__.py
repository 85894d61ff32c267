"""The output of an engine: text, vectors, timings, and the JSON around them."""
