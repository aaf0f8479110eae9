"""`python -m gptviz`: the command `gptviz`."""

import sys

from gptviz.cli import main

sys.exit(main())
