"""`python -m loadtests.robot_faults`: see matrix.py, whose functions other processes import."""

import sys

from loadtests.robot_faults.matrix import main

if __name__ == "__main__":
    sys.exit(main())
