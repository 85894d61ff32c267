"""What a number means: rates, percentiles, fit. Pure: no I/O and no clock of its own."""
