"""``python -m likeness.cli``, as torchrun calls it."""

import os
import sys

from likeness.cli import main

if __name__ == "__main__":
    status = main()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:  # the threads of a process group can abort an interpreter that ends
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
