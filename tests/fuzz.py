"""The service, fuzzed from its own description by schemathesis:   python -m tests.fuzz [SECONDS]   (600 when nothing is said)

Every call, with what the description allows and with what it does not, bodies whole and damaged (fuzz_bodies.py), on a
server on this machine with the door before it. No answer may be a 5xx, or other than the description says. Only
«what fits the description is accepted» is not asked: that a string is no picture no schema can say.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from starlette.routing import Mount

from app.server import visitors
from app.service.routes import app

from .pupils import small

ROOT = Path(__file__).parents[1]


def run(*words: str) -> subprocess.CompletedProcess:
    """schemathesis on a server of this process, for the checkpoints that it sees; what it says in stdout."""
    visitors.asking = visitors.Pace(1e9, 1e6)  # the fuzzer is not to meet the limit on and on
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.fuzz_bodies", "PYTHONPATH": str(ROOT)}
    code = "import sys; from schemathesis.cli import schemathesis; sys.argv[0] = 'schemathesis'; schemathesis()"
    with small(Mount("/api", app)) as port, tempfile.TemporaryDirectory() as home:
        asked = ["run", f"http://localhost:{port}/api/openapi.json", "--exclude-checks", "positive_data_acceptance"]
        asked += ["--phases", "coverage,fuzzing", "--suppress-health-check", "all", "--no-color", "--warnings", "off"]
        asked += ["--request-timeout", "60"]  # the first answer waits for PyTorch
        command = [sys.executable, "-c", code, *asked, "--generation-database", "none", "--continue-on-failure", *words]
        return subprocess.run(
            command, cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )


def main() -> int:
    """Runs it and prints what it found. -> how the command ends"""
    parser = argparse.ArgumentParser("python -m tests.fuzz")
    parser.add_argument("seconds", type=int, nargs="?", default=600)
    done = run("--max-time", str(parser.parse_args().seconds))
    print(done.stdout)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
