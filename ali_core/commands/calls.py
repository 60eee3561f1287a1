"""The verbs as a program calls them; ali_core has them as ali_core.train, .evaluate, .atlas and .load."""

from pathlib import Path

from ali_core.config import parse
from ali_core.hub import hub
from ali_core.maps import layout
from ali_core.maps.atlas import Atlas
from ali_core.maps.atlas import load as read_atlas
from ali_core.models import checkpoint
from ali_core.models.model import Model
from ali_core.problem import Problem
from ali_core.training import budget

from . import evaluate as evaluate_command
from . import train as train_command


def load(folder: str | Path) -> Model:
    """A trained checkpoint, to be asked: a folder, or "hf:OWNER/NAME" on the Hugging Face Hub.

    Raises Problem where it is missing or damaged, or the hub cannot be reached.
    """
    if not str(folder).startswith("hf:"):
        return Model.load(folder)
    model = Model.load(hub.fetch(str(folder)))
    model.name = model.card["name"]  # its folder is called after a commit
    return model


def widget(model: Model):
    """A model's map in Jupyter or marimo, with an own picture and a path; raises Problem where it has no map."""
    try:
        from ali_core.notebook.widget import Explorer
    except ImportError as error:
        if error.name not in ("anywidget", "traitlets"):
            raise
        raise Problem("A widget needs anywidget; install it: pip install anywidget") from None
    return Explorer(model)


def push(folder: str | Path, name: str) -> str:
    """Puts a checkpoint on the Hugging Face Hub as "OWNER/NAME"; -> its address there.

    Raises Problem where it is damaged, may not be passed on, or the hub refuses it.
    """
    return hub.push(folder, name)


def train(preset: str = "", **fields: str | int | float | bool) -> Model:
    """Trains as `ali train preset=… field=…` does, and resumes; -> the model of checkpoints/NAME.

    Fields are Config's, or minutes= or hours= chooses them; `**{"weights.kl": 20.0}` is a term's weight. Raises Problem for what does not fit, and
    where the run was stopped before its end.
    """
    words = [f"preset={preset}"] * bool(preset)
    words += [f"{name}={value}" for name, value in fields.items()]
    given, seconds = budget.asked(train_command.with_start(words))
    name = budget.named(given) if seconds else parse(given).name
    train_command.main(words or [f"name={name}"])
    return Model.load(Path("checkpoints") / name)


def evaluate(folder: str | Path) -> dict[str, dict]:
    """Measures a checkpoint on all held-out examples and writes its card; -> the card's measures, by name.

    Each is {"value", "n", "seed", "split", "says", …}.
    """
    evaluate_command.main([str(folder)])
    return checkpoint.card(folder)["metrics"]


def atlas(folder: str | Path, made: str = "", most: int = layout.MOST) -> Atlas:
    """Lays out a checkpoint's map of at most `most` held-out pictures, and reads it.

    made: "draws" or "reconstructions" shows what the model makes instead, for data that must not be passed on.
    """
    layout.build(folder, made, most)
    return read_atlas(folder)
