"""``python -m likeness.cli``, as torchrun calls it."""

import os
import sys

from likeness.cli import main

if __name__ == "__main__":
    status = main()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        # Under torchrun the interpreter is not torn down: threads of the process group (heartbeat, gloo) outlive it and now and
        # then abort a process whose work is done. destroy_process_group made that rarer, and did not end it.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
