"""``python -m hhlab`` is the command line."""

import sys

from hhlab.cli import main

sys.exit(main())
