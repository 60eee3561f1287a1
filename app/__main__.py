"""Sets everything up and starts the app, on a machine that has nothing but Python.

python -m app                      the first time it makes .venv and installs what is needed
python -m app --server.port 8600   words after it go to `ali explore`, see there
"""

import hashlib
import os
import signal
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]


def prepare(*more: str) -> Path:
    """Makes .venv hold this program, in the versions of constraints.txt, and more requirements files. -> its Python

    Installs only when a file that says what is needed has changed; exits with a sentence on failure.
    """
    if sys.version_info < (3, 11):  # noqa: UP036, this file runs before anything is checked
        sys.exit(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}.")
    files = ("pyproject.toml", "constraints.txt", "requirements.txt", *more)
    home = ROOT / ".venv"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = home / f"installed-{len(files)}"
    digest = hashlib.sha256(b"".join((ROOT / f).read_bytes() for f in files)).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == digest:
        fetch_runtime(python)
        return python
    if not python.exists():
        print(f"1 of 2  Making a virtual environment in {home} …", flush=True)
        try:
            venv.create(home, with_pip=True)
        except subprocess.CalledProcessError:
            sys.exit("Python cannot make virtual environments; on Debian: apt-get install python3-venv")
    names = [line for f in files[2:] for line in (ROOT / f).read_text().split("\n") if line.strip()]
    print(
        f"2 of 2  Installing {len(names)} packages and what they need; the first time takes some minutes. "
        "pip says which and how far:",
        flush=True,
    )
    words = ["install", "--disable-pip-version-check", "-c", "constraints.txt", "-e", "."]
    words += [word for file in more for word in ("-r", file)]
    if subprocess.call([python, "-m", "pip", *words], cwd=ROOT):
        sys.exit("The installation failed; the lines above say why. The same command tries again.")
    stamp.write_text(digest)
    print("Installed.", flush=True)
    fetch_runtime(python)
    return python


def fetch_runtime(python: Path) -> None:
    """Has the browser's runtime for networks fetched, where it is not; without it the server makes the pictures."""
    if not any((ROOT / ".venv" / "share" / "ali-explorer").glob("*/*.wasm.gz")):
        print("Fetching the browser's runtime for networks, 33 MB …", flush=True)
        subprocess.call([python, "-m", "ali_core", "runtime"], cwd=ROOT)


def run(python: Path, *words: str) -> int:
    """Runs a module of the environment in the project's root; what ends this process ends it too."""
    child = subprocess.Popen([python, "-m", *words], cwd=ROOT)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    try:
        return child.wait()
    except KeyboardInterrupt:  # Ctrl-C, which the child has been sent as well
        child.wait()
        return 0


if __name__ == "__main__":
    sys.exit(run(prepare(), "ali_core", "explore", *sys.argv[1:]))
