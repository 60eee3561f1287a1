"""A checkpoint's map in a notebook, an own picture on it, and a path between two codes. Needs anywidget."""

from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from ali_core.data import apart, pictures
from ali_core.maps import atlas as maps
from ali_core.models.latent import interpolate
from ali_core.models.model import Model, to_bytes
from ali_core.problem import Problem

STEPS = 24  # of the path that the slider shows
HERE = Path(__file__).parent


class Explorer(anywidget.AnyWidget):
    """The widget. code and picture: of the file that was given last; codes: of A and B, (2, d), once both are there.

    Raises Problem where the checkpoint has no map.
    """

    _esm = HERE / "widget.js"
    _css = HERE / "widget.css"
    about = traitlets.Dict().tag(sync=True)
    points = traitlets.Bytes().tag(sync=True)  # float32 (n, 2) on the map, then uint16 (n,) classes

    def __init__(self, model: Model):
        if model.domains or len(model.shape) != 3 or model.folder is None:
            raise Problem(f"{model.name} has no map of pictures; give a model that encodes pictures, from a folder.")
        self.model, self.map = model, maps.load(model.folder)
        self.code: np.ndarray | None = None
        self.picture: np.ndarray | None = None
        self.ends: list[tuple[np.ndarray, np.ndarray | None] | None] = [None, None]  # code, classes
        self.next = 0
        names = self.map.label_names or [str(k) for k in range(int(self.map.y.max()) + 1)]
        points = self.map.umap.astype("<f4").tobytes() + self.map.y.astype("<u2").tobytes()
        about = {"name": model.name, "n": len(self.map.z), "shape": model.shape, "names": names, "steps": STEPS}
        super().__init__(about=about, points=points)
        self.on_msg(self._hear)

    @property
    def codes(self) -> np.ndarray | None:
        """The codes of A and B, (2, d); None until both are there."""
        kept = [end[0] for end in self.ends if end]
        return np.stack(kept) if len(kept) == 2 else None

    @property
    def path(self) -> np.ndarray | None:
        """Pictures from A to B, uint8 (24, h, w, c); None until both are there."""
        if self.codes is None:
            return None
        z = interpolate(*self.codes, STEPS)
        y = [end[1] for end in self.ends if end]
        along = None if y[0] is None else np.stack([y[2 * i >= STEPS] for i in range(STEPS)])
        return to_bytes(self.model.decode(z, along))

    def place(self, xy: tuple[float, float]) -> dict[str, Any]:
        """What stands at a place of the map: z, y, picture, and how empty it is there."""
        if not np.isfinite(xy).all():
            raise Problem("That is no place on the map.")
        found = maps.lift(self.map, np.asarray(xy, np.float32))
        y = self._classes(found["neighbours"][:1])
        made = to_bytes(self.model.decode(found["z"][None], y))[0]
        near, usual = found["map_distance"], found["typical_map_distance"]
        says = (
            f"{near / usual:.1f}x as far from its neighbours as usual" if near > 2 * usual else "among its neighbours"
        )
        return {"z": found["z"], "y": None if y is None else y[0], "picture": made, "says": says}

    def give(self, content: bytes, name: str = "picture") -> dict[str, Any]:
        """A picture file: as the model sees it, its code, its place and what the model remembers; kept as A or B.

        Raises Problem for what is no picture.
        """
        grey = self.model.shape[2] == 1
        border = self._border() if grey else None
        seen, _ = apart.see(name, content, self.model.shape, border=border, frame=self.model.frame)
        x = seen.array[None]
        y = self.model.likeliest(x)
        self.code, self.picture = self.model.encode(x, y)[0], seen.array
        made = to_bytes(self.model.decode(self.code[None], y))[0]
        at = maps.place(self.map, self.code[None])[0]
        return {
            "z": self.code,
            "y": None if y is None else y[0],
            "seen": seen.array,
            "picture": made,
            "xy": at.tolist(),
            "says": " ".join(seen.steps),
        }

    def _border(self) -> float:
        """The usual brightness of its pictures' edges: of those that it makes of the map's first codes."""
        some = np.arange(min(200, len(self.map.z)))
        return pictures.border(to_bytes(self.model.decode(self.map.z[some], self._classes(some))))

    def _classes(self, indices: np.ndarray) -> np.ndarray | None:
        """What a conditional model is told of points of the map, (n, factors); None for the others."""
        if not self.model.conditional:
            return None
        if self.map.labels is not None:
            return self.map.labels[indices]
        y = np.zeros((len(indices), len(self.model.class_counts)), int)
        y[:, 0] = self.map.y[indices]
        return y

    def _keep(self, found: dict) -> int:
        """Keeps a code as A or B, the older of the two. -> which"""
        which, self.next = self.next, 1 - self.next
        self.ends[which] = found["z"], found["y"]
        return which

    def _hear(self, _, content: dict, buffers: list) -> None:
        """A question of the browser: its number comes back with the answer, pictures as bytes beside it."""
        try:
            answer, shown = self._answer(content, buffers)
        except Problem as problem:
            answer, shown = {"problem": str(problem)}, []
        except (KeyError, TypeError, ValueError) as error:
            answer, shown = {"problem": f"The widget was asked something strange ({error})."}, []
        self.send({"id": content.get("id")} | answer, [np.ascontiguousarray(x).tobytes() for x in shown])

    def _answer(self, content: dict, buffers: list) -> tuple[dict, list[np.ndarray]]:
        if content["ask"] == "path":
            path = self.path
            return {}, [] if path is None else [path]
        if content["ask"] == "picture":
            found = self.give(bytes(buffers[0]), str(content.get("name", "picture")))
            said = {"says": found["says"], "xy": found["xy"], "kept": self._keep(found)}
            return said, [found["seen"], found["picture"]]
        if content["ask"] not in ("place", "keep"):
            raise ValueError(content["ask"])
        found = self.place((float(content["xy"][0]), float(content["xy"][1])))
        said = {"says": found["says"]} | ({"kept": self._keep(found)} if content["ask"] == "keep" else {})
        return said, [found["picture"]]
