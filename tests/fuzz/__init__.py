"""What comes from outside, damaged: it costs one record, and never time without end."""
