"""The checks of the doctor: each judges facts and says what was seen and what to do."""
