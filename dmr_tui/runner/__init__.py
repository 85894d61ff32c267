"""What Docker Model Runner says over HTTP."""

import sys

# httpx also imports its own command line, and with it a syntax highlighter, unless that cannot be
# imported; that is a quarter of the time until the first paint.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
