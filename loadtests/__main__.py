"""`python -m loadtests`: the relay's benchmark."""

import sys

from loadtests.relay import main

sys.exit(main())
