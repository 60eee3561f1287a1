"""python -m ali_core record: recorded runs in the plane, which the lessons replay."""

import argparse
from pathlib import Path

from ali_core.files import write_beside
from ali_core.lab.recordings import RECORDINGS, record
from ali_core.problem import Problem


def main(argv: list[str]) -> None:
    """python -m ali_core record."""
    parser = argparse.ArgumentParser("python -m ali_core record", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(RECORDINGS)}; all without one")
    parser.add_argument("--to", type=Path, default=Path("checkpoints/lab"), help="folder")
    given = parser.parse_args(argv)
    for name in given.names:
        if name not in RECORDINGS:
            raise Problem(f"There is no recording «{name}»; there are: {', '.join(RECORDINGS)}.")
    for name in given.names or RECORDINGS:
        content = record(name)
        write_beside(given.to / f"{name}.gz", content)
        print(f"{given.to / name}.gz  {len(content) / 2**10:.0f} KB")
