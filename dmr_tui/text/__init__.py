"""Every sentence and every format of a number."""
