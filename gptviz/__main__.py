"""`python -m gptviz`: the command `gptviz`."""

import sys

from gptviz.lab.cli import main

sys.exit(main())
