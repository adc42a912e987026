"""`python -m loadtests`: all benchmarks, as `make bench` runs them."""

import sys

from loadtests.bench import main

sys.exit(main())
