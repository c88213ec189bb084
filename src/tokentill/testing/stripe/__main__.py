"""`python -m tokentill.testing.stripe --port 0 --state FILE`: serve until SIGTERM or SIGINT.

The first line on stdout is the base URL. The key is always `rk_test_standin`.
"""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

from tokentill.testing.stripe.server import StripeStandIn


def main() -> None:
    """Serve the stand-in in this process."""
    parser = argparse.ArgumentParser(prog="python -m tokentill.testing.stripe", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--state", type=Path, default=None, help="file that keeps the state over restarts")
    options = parser.parse_args()
    stopped = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: stopped.set())
    with StripeStandIn(state_path=options.state, port=options.port) as standin:
        print(standin.base_url, flush=True)
        stopped.wait()


if __name__ == "__main__":
    main()
