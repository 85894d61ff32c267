"""One file per bordered part of a screen."""
