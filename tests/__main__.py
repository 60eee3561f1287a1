"""Sets everything up and runs the tests: python -m tests [words for pytest]."""

import sys

from app.__main__ import prepare, run

if __name__ == "__main__":
    python = prepare("tests/requirements.txt")
    sys.exit(run(python, "pytest", *sys.argv[1:]))
