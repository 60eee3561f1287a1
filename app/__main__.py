"""Sets everything up and starts the app, on a machine that has nothing but Python.

python -m app                      the first time it makes .venv and installs what is needed
python -m app --server.port 8600   words after it go to Streamlit
"""

import hashlib
import os
import signal
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]


def prepare(*requirements: str) -> Path:
    """Makes .venv hold the requirements files. -> its Python

    Installs only when a file has changed since the last time; exits with a sentence on failure.
    """
    if sys.version_info < (3, 11):  # noqa: UP036, this file runs before anything is checked
        sys.exit(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}.")
    home, files = ROOT / ".venv", [ROOT / name for name in requirements]
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print("Making .venv …", flush=True)
        try:
            venv.create(home, with_pip=True)
        except subprocess.CalledProcessError:
            sys.exit(
                "Python cannot make virtual environments; on Debian: apt-get install python3-venv"
            )
    stamp = home / f"installed-{len(files)}"
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        print("Installing what is needed; the first time takes some minutes …", flush=True)
        words = [str(word) for file in files for word in ("-r", file)]
        if subprocess.call([python, "-m", "pip", "install", "--quiet", *words], cwd=ROOT):
            sys.exit(
                "The installation failed; the lines above say why. The same command tries again."
            )
        stamp.write_text(digest)
    return python


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
    # a reader's browser opens by itself, and nobody is asked for an address; without the last, Streamlit
    # lays an offer of tools for programmers over every page, where it finds some of theirs
    words = ["--server.headless", "false", "--server.showEmailPrompt", "false"]
    words += sys.argv[1:]
    sys.exit(run(prepare("requirements.txt"), "streamlit", "run", "app/main.py", *words))
