"""A small core that trains, keeps and asks the information-autoencoding family.

Reading order of the folders: data, nets, family, training, models, measure, maps, lab; commands on top.

    import ali_core
    model = ali_core.load("checkpoints/fashion-alice")
    pictures = model.sample(8, seed=0)

What __all__ names is for other programs; each is read when it is first asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .commands.calls import atlas, evaluate, load, push, train, widget
    from .config import PRESETS, Config
    from .data.dataset import Data
    from .data.datasets import load as load_data
    from .family.members import FAMILY
    from .maps.atlas import Atlas
    from .models.checkpoint import names as checkpoints
    from .models.model import Model
    from .problem import Problem

__version__ = "0.1.0"
__all__ = (
    "FAMILY",
    "PRESETS",
    "Atlas",
    "Config",
    "Data",
    "Model",
    "Problem",
    "atlas",
    "checkpoints",
    "evaluate",
    "load",
    "load_data",
    "push",
    "train",
    "widget",
)
_PLACES = {
    "FAMILY": ("family.members", "FAMILY"),
    "PRESETS": ("config", "PRESETS"),
    "Atlas": ("maps.atlas", "Atlas"),
    "Config": ("config", "Config"),
    "Data": ("data.dataset", "Data"),
    "Model": ("models.model", "Model"),
    "Problem": ("problem", "Problem"),
    "atlas": ("commands.calls", "atlas"),
    "checkpoints": ("models.checkpoint", "names"),
    "evaluate": ("commands.calls", "evaluate"),
    "load": ("commands.calls", "load"),
    "load_data": ("data.datasets", "load"),
    "push": ("commands.calls", "push"),
    "train": ("commands.calls", "train"),
    "widget": ("commands.calls", "widget"),
}


def __getattr__(name: str) -> Any:
    """What __all__ names, from the module where it stands."""
    if name not in _PLACES:
        raise AttributeError(f"module 'ali_core' has no attribute '{name}'")
    module, inside = _PLACES[name]
    return getattr(importlib.import_module(f"ali_core.{module}"), inside)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
