"""python -m tests.pins: writes constraints.txt, the exact versions that this environment was tested with."""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = (ROOT / "requirements.txt", ROOT / "tests" / "requirements.txt")

# lists of certificates and time zones, and what builds: the newest are best
FREE = ("certifi", "tzdata", "setuptools")


def plain(requirement: str) -> str:
    """The name of what a requirement asks for, as indexes spell it."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def asked() -> list[str]:
    """Names of what the requirements files ask for."""
    lines = "\n".join(file.read_text(encoding="utf-8") for file in FILES).splitlines()
    return [plain(line) for line in lines if line.strip() and not line.startswith("#")]


def versions() -> dict[str, str]:
    """What is installed of that and of all it needs: name -> version, without a build's suffix.

    2.13.0+cpu is pinned as 2.13.0, which any build of it fits.
    """
    pinned, left = {}, asked()
    while left:
        if (name := left.pop()) in pinned:
            continue
        try:
            there = distribution(name)
        except PackageNotFoundError:  # for another system, or an extra nobody asked for
            continue
        pinned[name] = there.version.partition("+")[0]
        left += [plain(r) for r in there.requires or () if "extra ==" not in r]
    return {name: pinned[name] for name in sorted(pinned) if name not in FREE}


if __name__ == "__main__":
    pins = versions()
    text = "# the versions that the tests have run with: python -m tests.pins\n"
    text += "".join(f"{name}=={version}\n" for name, version in pins.items())
    (ROOT / "constraints.txt").write_text(text, encoding="utf-8")
    print(f"constraints.txt: {len(pins)} packages")
