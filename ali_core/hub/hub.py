"""Checkpoints from and to the Hugging Face Hub ($HF_ENDPOINT, or https://huggingface.co)."""

import contextlib
import os
import queue
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from ali_core.files import write_beside
from ali_core.models import checkpoint, schema
from ali_core.problem import Problem

from . import model_card

MISSING = "Checkpoints of the Hugging Face Hub need huggingface_hub; install it: pip install huggingface_hub"
CARD, WEIGHTS = checkpoint.CARD, checkpoint.WEIGHTS
MORE = ("atlas.npz", "samples.png", "gallery.png")  # which a checkpoint may have
LARGEST = {
    CARD: schema.LONGEST,
    WEIGHTS: 2 << 30,
    "atlas.npz": 100 << 20,
    "samples.png": 10 << 20,
    "gallery.png": 10 << 20,
}  # bytes
PATIENCE, SLOWEST = 15.0, 200_000  # seconds in which the hub says something, and one more for so many bytes
KEPT = "no redistribution"  # in a licence: see data.dataset.Data.kept


def fetch(address: str) -> Path:
    """A checkpoint's files from the hub, verified, in the hub's own cache. -> its folder

    address: OWNER/NAME, or OWNER/NAME@REVISION; a commit that was fetched before needs no network. Raises Problem.
    """
    name, revision = _named(address)
    hub = _hub()
    folder = _copy(hub, name, revision)
    with _said(hub, name):
        if folder is None:
            ask = partial(_api(hub).model_info, name, revision=revision, files_metadata=True, timeout=PATIENCE)
            about = _in_time(PATIENCE, ask)
            sizes = {one.rfilename: one.size or 0 for one in about.siblings or ()}
            for file in _files(name, sizes):
                get = partial(hub.hf_hub_download, name, file, revision=about.sha, endpoint=_endpoint())
                got = _in_time(PATIENCE + sizes[file] / SLOWEST, get)
                folder = Path(got).parent
    checkpoint.weights(folder)  # raises Problem where they are not what the card says
    return folder


def pull(address: str, root: str | Path = "checkpoints") -> Path:
    """Copies a checkpoint of the hub into `root`, under its name there. -> its folder

    Raises Problem, and changes nothing, where another checkpoint has that name.
    """
    source, to = fetch(address), Path(root) / _named(address)[0].partition("/")[2]
    if to.exists() and any(to.iterdir()):
        theirs, ours = (checkpoint.card(one)["weights"]["sha256"] for one in (source, to))
        if theirs != ours:
            raise Problem(f"{to} is another checkpoint; rename it, or pull from another folder.")
    for file in (WEIGHTS, *MORE, CARD):  # the card last: it vouches for the others
        if (source / file).exists():
            write_beside(to / file, (source / file).read_bytes())
    return to


def push(folder: str | Path, name: str) -> str:
    """Puts a checkpoint on the hub as OWNER/NAME, made there where it is missing. -> the address of what it is now

    Raises Problem where the checkpoint is damaged, may not be passed on, or the hub refuses it.
    """
    folder, (name, _) = Path(folder), _named(name)
    card = checkpoint.card(folder)
    checkpoint.weights(folder)
    _may_be_passed_on(folder, card)
    hub = _hub()
    with _said(hub, name), tempfile.TemporaryDirectory() as home:
        for file in (CARD, WEIGHTS, *(one for one in MORE if (folder / one).exists())):
            (Path(home) / file).write_bytes((folder / file).read_bytes())
        (Path(home) / "config.json").write_text(model_card.config(card), encoding="utf-8")
        (Path(home) / "README.md").write_text(model_card.text(card, name), encoding="utf-8")
        api = _api(hub)
        _in_time(PATIENCE, partial(api.create_repo, name, exist_ok=True))
        size = sum(file.stat().st_size for file in Path(home).iterdir())
        says = f"{card['name']}, by ali-explorer"
        send = partial(api.upload_folder, repo_id=name, folder_path=home, commit_message=says)
        done = _in_time(PATIENCE + 10 * size / SLOWEST, send)  # lines are slower that way
    return f"{_endpoint()}/{name}/tree/{done.oid}"


def _may_be_passed_on(folder: Path, card: dict) -> None:
    for said in (card["data"], card["data"].get("prior", {})):
        licence = said.get("licence", "")
        if KEPT in licence.lower():
            raise Problem(
                f"{said['name']}: its licence ({licence}) does not let what was learned from it be passed on; {folder} stays here."
            )
        if licence == "unknown":
            raise Problem(
                f"{folder} learned from {said['name']}, whose licence is unknown; write it into {folder / CARD} "
                "(«data.licence») if it lets the weights be passed on."
            )


def _named(address: str) -> tuple[str, str | None]:
    """A repository and its revision; raises Problem for what cannot be one."""
    name, _, revision = address.removeprefix("hf:").partition("@")
    part = r"[A-Za-z0-9](?:[\w.-]{0,94}[A-Za-z0-9])?"
    if not re.fullmatch(f"{part}/{part}", name, re.ASCII) or re.search(r"--|\.\.", name):
        raise Problem(f"«{address[:100]}» is no name on the hub; give OWNER/NAME, as in hf:owner/fashion-alice.")
    if revision and not re.fullmatch(r"[\w./-]{1,100}", revision, re.ASCII):
        raise Problem(f"«{revision[:100]}» is no revision; give a branch, a tag or a commit behind the @.")
    return name, revision or None


def _files(name: str, sizes: dict[str, int]) -> list[str]:
    """Of a repository's files ours; raises Problem where one is missing or too large."""
    for file in (CARD, WEIGHTS):
        if file not in sizes:
            raise Problem(f"{name} on the hub has no {file}: it holds no checkpoint of this program.")
    found = [file for file in (*MORE, WEIGHTS, CARD) if file in sizes]
    for file in found:
        if (size := sizes[file]) > LARGEST[file]:
            raise Problem(f"{file} of {name} has {size:,} bytes; {LARGEST[file]:,} are fetched at most.")
    return found


def _copy(hub, name: str, revision: str | None) -> Path | None:
    """The folder of a commit that was fetched before: its files cannot change. Else None."""
    if not re.fullmatch("[0-9a-f]{40}", revision or ""):
        return None
    return _kept(hub, name, revision)


def _kept(hub, name: str, revision: str | None) -> Path | None:
    with contextlib.suppress(FileNotFoundError, ValueError):
        found = [hub.hf_hub_download(name, file, revision=revision, local_files_only=True) for file in (CARD, WEIGHTS)]
        return Path(found[0]).parent
    return None


def _in_time(seconds: float, act: Callable):
    """What a function gives; raises Problem where that takes longer. The hub's library would try for minutes."""
    found: queue.SimpleQueue = queue.SimpleQueue()

    def work() -> None:
        try:
            found.put((act(), None))
        except BaseException as error:
            found.put((None, error))

    threading.Thread(target=work, daemon=True).start()
    try:
        result, error = found.get(timeout=seconds)
    except queue.Empty:
        raise Problem(f"{_endpoint()} has not answered in {seconds:.0f} s; try again later.") from None
    if error:
        raise error
    return result


def _hub():
    try:
        import huggingface_hub
        import huggingface_hub.errors
    except ImportError:
        raise Problem(MISSING) from None
    return huggingface_hub


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


def _api(hub):
    return hub.HfApi(endpoint=_endpoint(), library_name="ali-explorer")


@contextlib.contextmanager
def _said(hub, name: str) -> Iterator[None]:
    """Turns what the hub's library raises into sentences."""
    errors, where = hub.errors, _endpoint()
    try:
        yield
    except errors.GatedRepoError:
        raise Problem(f"{name} on {where} is given to those who ask for it there; ask, then `hf auth login`.") from None
    except errors.RepositoryNotFoundError:
        raise Problem(
            f"There is no {name} on {where}, or you may not see it; look at its name, or `hf auth login` first."
        ) from None
    except errors.RevisionNotFoundError:
        raise Problem(
            f"{name} on {where} has no such revision; give a branch, a tag or a commit behind the @."
        ) from None
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403):
            raise Problem(f"{where} does not let you do this with {name}; `hf auth login`, or set HF_TOKEN.") from None
        raise Problem(f"{where} answers {status} for {name}; try again later.") from None
    except Problem:
        raise
    except (errors.EntryNotFoundError, OSError, ValueError, KeyError, TypeError) as error:
        raise Problem(f"{name} cannot be had from {where} ({_short(error)}); try again with a network.") from None
    except Exception as error:  # the library's client raises its own
        if type(error).__module__.partition(".")[0] not in ("httpx", "httpx2", "httpcore", "httpcore2", "requests"):
            raise
        raise Problem(f"{where} cannot be reached or does not answer ({_short(error)}); try again.") from None


def _short(error: Exception) -> str:
    return " ".join((str(error) or type(error).__name__).split())[:200]
