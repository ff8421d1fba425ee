"""`python -m tinygrad_ko`: the same as the command `tinygrad-ko`."""

import sys

from tinygrad_ko.cli import main

if __name__ == "__main__":
    sys.exit(main())
