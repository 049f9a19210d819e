"""``python -m likeness.cli``, where the script is not on the path."""

import sys

from likeness.cli import main

sys.exit(main())
