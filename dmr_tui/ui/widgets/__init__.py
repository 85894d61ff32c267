"""Building blocks that know nothing of model runners."""
