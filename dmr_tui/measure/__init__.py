"""Calculations: rates, percentiles, memory estimates. Pure: no I/O, no clock, no state."""
