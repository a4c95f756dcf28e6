"""``python -m sneakynet`` is ``sneakynet``."""

import sys

from sneakynet.cli.main import main

sys.exit(main())
