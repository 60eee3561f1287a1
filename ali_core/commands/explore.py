"""ali explore [FOLDER] [--pictures FOLDER] [words for Streamlit]: opens the explorer in the browser.

ali explore                      the models of pictures in ./checkpoints, or those that are shipped
ali explore my/checkpoints       those of a folder
ali explore --pictures my/album  the map shows pictures of your own: of a folder and its subfolders, which are the classes
ali explore --server.port 8600   words that begin with -- go to Streamlit
"""

import importlib.util
import os
import runpy
import sys
from pathlib import Path

from ali_core.models import checkpoint
from ali_core.problem import Problem

# a reader's browser opens by itself, and nobody is asked for an address; without the last, Streamlit
# lays an offer of tools for programmers over every page, where it finds some of theirs
WORDS = ["--server.headless", "false", "--server.showEmailPrompt", "false"]
WORDS += ["--logger.hideWelcomeMessage", "true"]


def checkpoints(folder: str = "") -> Path:
    """The folder whose checkpoints are shown: `folder`, $ALI_CHECKPOINTS, ./checkpoints, or the shipped ones.

    ./checkpoints only where a model of pictures is in it: of points alone the explorer would show nothing.
    Raises Problem where there is none.
    """
    if given := folder or os.environ.get("ALI_CHECKPOINTS", ""):
        if not Path(given).is_dir():
            raise Problem(f"{given} is no folder; give one that holds checkpoints.")
        return Path(given).resolve()
    beside = Path(importlib.util.find_spec("app.main").origin).parents[1]  # a clone, or site-packages
    for root in (Path("checkpoints"), beside / "checkpoints"):
        names = checkpoint.names(root)
        if any(_of_pictures(root / name) for name in names):
            return root.resolve()
        if names:
            print(f"{root.resolve()} holds models of points, which no page shows.")
    raise Problem(
        f"There are no checkpoints in {Path('checkpoints').resolve()}, and none came with the program. Copy the "
        "folder `checkpoints` of its source here, or train one: ali train preset=fashion-alice"
    )


def _of_pictures(folder: Path) -> bool:
    try:
        return len(checkpoint.card(folder)["data"]["shape"]) == 3
    except Problem:  # the explorer says what is wrong with it
        return True


def pictures(argv: list[str]) -> list[str]:
    """Takes `--pictures FOLDER` out of the words, for the Map page to find. -> the other words

    Raises Problem where that is no folder.
    """
    if "--pictures" not in argv:
        return argv
    at = argv.index("--pictures")
    given = argv[at + 1] if at + 1 < len(argv) else ""
    if not Path(given).is_dir() or not given:
        raise Problem(f"“{given}” is no folder; --pictures takes one that holds pictures.")
    os.environ["ALI_PICTURES"] = str(Path(given).resolve())
    return argv[:at] + argv[at + 2 :]


def main(argv: list[str]) -> None:
    """Serves the explorer until Ctrl-C."""
    if {"-h", "--help"} & set(argv[:1]):
        print(__doc__)
        return
    argv = pictures(argv)
    folder = argv[0] if argv and not argv[0].startswith("-") else ""
    os.environ["ALI_CHECKPOINTS"] = str(root := checkpoints(folder))
    print(f"Checkpoints of {root}", flush=True)
    script = importlib.util.find_spec("app.main").origin
    sys.argv = ["streamlit", "run", script, *WORDS, *argv[bool(folder) :]]
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)
