"""Sets everything up and runs the tests: python -m tests [words for pytest].

Two files at a time, or as many as there are cores up to four; each test's own threads are one, as in the app.
"""

import os
import sys

from app.__main__ import prepare, run

SIDE_BY_SIDE = ("-n", "logical", "--maxprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder")

if __name__ == "__main__":
    python = prepare("tests/requirements.txt")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(run(python, "pytest", *SIDE_BY_SIDE, *sys.argv[1:]))
