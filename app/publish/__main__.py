"""ali publish CHECKPOINT … --to FOLDER: a folder of static files that shows checkpoints from any web server.

It holds the explorer's own scripts, graphs and maps, and a page around them (site.js): no second explorer.
"""

import argparse
import gzip
import html
import json
import os
import shutil
from pathlib import Path

from app import bridge

from . import lab

HERE, COMPONENTS = Path(__file__).parent, Path(__file__).parents[1] / "components"
MOST = 5000  # points of a map: so that a first visit is short
POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'none'"
)
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="site.css"><link rel="stylesheet" href="engine/pointer.css">
</head><body><main id="site"><noscript>This page runs its models in your browser: it needs JavaScript.</noscript></main>
<script type="module" src="site.js"></script></body></html>
"""


def main(argv: list[str] | None = None) -> None:
    """Writes the folder; raises Problem for what cannot be shown there, before anything is written."""
    parser = argparse.ArgumentParser("python -m ali_core publish")
    parser.add_argument("checkpoints", nargs="+", metavar="CHECKPOINT", help="e.g. checkpoints/fashion-alice")
    parser.add_argument("--to", type=Path, required=True, help="a folder, new or of an earlier publication")
    parser.add_argument(
        "--lab",
        nargs="?",
        const=lab.EVERY,
        metavar="MEMBER,…",
        help="also the lessons and the Lab, whose runs the reader's browser trains: of every member, or of these",
    )
    words = parser.parse_args(argv)
    folders, to = [Path(folder) for folder in words.checkpoints], words.to
    if len({folder.parent.resolve() for folder in folders}) > 1:
        raise bridge.Problem(
            "These checkpoints lie in different folders; copy them into one, so that their pictures do."
        )
    if to.exists() and (not to.is_dir() or (any(to.iterdir()) and not (to / "models.json").exists())):
        raise bridge.Problem(f"{to} holds something else; name a new folder, or one of an earlier publication.")
    os.environ["ALI_CHECKPOINTS"] = str(folders[0].parent.resolve())
    names = [folder.name for folder in folders]
    for name in names:
        if bridge.checkpoints.domains(name):
            raise bridge.Problem(f"{name} translates pictures and has no map; publish checkpoints that have one.")
        if why := bridge.checkpoints.broken(name):
            raise bridge.Problem(why)
        bridge.codes.atlas(name)  # raises Problem without a map
    chosen = lab.members(words.lab)
    if not bridge.runtime.installed():
        bridge.runtime.install()
    models = [publish(name, to) for name in names]
    shutil.rmtree(to / "live", ignore_errors=True)  # an earlier publication's runs
    if chosen:
        lab.publish(chosen, to, told)
    frame(to, models, bool(chosen))
    size = sum(path.stat().st_size for path in to.rglob("*") if path.is_file())
    print(f"{to}: {size / 1e6:.1f} MB. Look at it: python -m http.server --directory {to}")


def told(share: float, says: str) -> None:
    """How far it is, a line."""
    print(f"{share:4.0%}  {says}", flush=True)


def publish(name: str, to: Path) -> dict:
    """A checkpoint's graphs and codes. -> what the page says of it"""
    about = bridge.graphs.export(name, told)
    home = to / "engine" / "graphs" / name
    for net in about["nets"].values():
        bridge.write_beside(home / net["file"], bridge.graphs.network(name, net["file"]))
    bridge.write_beside(home / "codes.bin", bridge.graphs.map_codes(name, MOST))
    bridge.write_beside(home / "about.json", json.dumps(about).encode())
    card, (h, w, _) = bridge.checkpoints.card(name), about["shape"]
    classes = bridge.classes.classes(name)
    factors = bridge.classes.factors(name) if len(classes) > 1 else ["told: class"]
    return {
        "name": name,
        "title": card.get("title", name),
        "classes": [{"name": factor, "of": of} for factor, of in zip(factors, classes, strict=False)],
        "edge": bridge.judging.edge(name),
        "aspect": bridge.judging.ASPECT if bridge.judging.framed(name) else w / h,
        "card": said(name, card),
    }


def said(name: str, card: dict) -> list[list[str]]:
    """The card in a few rows: a word, and what it says."""
    data, known = card["data"], bridge.codes.atlas(name)
    rows = [
        ["Learned from", f"{data['train']:,} pictures of {data['name']}; {data.get('source', '')}".rstrip("; ")],
        ["Its map", f"{bridge.codes.origin(known)} pictures, {min(MOST, len(known.z)):,} of {len(known.z):,}"],
        ["Licence of the pictures", data.get("licence", "")],
        ["Licence of the weights", card.get("licence", "MIT")],
        ["Limits", " ".join(card["limits"]) if isinstance(card.get("limits"), list) else card.get("limits", "")],
    ]
    for key, entry in card.get("metrics", {}).items():
        if (measure := bridge.measures.MEASURES.get(key)) and entry.get("value") is not None:
            rows.append([measure.name, f"{measure.written(entry['value'])} (n = {entry['n']:,})"])
    return [row for row in rows if row[1]]


def frame(to: Path, models: list[dict], with_lab: bool) -> None:
    """The page, the scripts that it shares with the explorer, and the runtime."""
    from app.components import pad, parcel, scrub
    from app.shared import charts

    engine = to / "engine"
    for path in (COMPONENTS / "engine").iterdir():
        if path.suffix in (".js", ".css"):
            bridge.write_beside(engine / path.name, path.read_bytes())
    for file in bridge.runtime.FILES:
        packed = (bridge.runtime.folder() / f"{file}.gz").read_bytes()
        bridge.write_beside(engine / bridge.runtime.NAME / file, gzip.decompress(packed))
    for name, part in (("scrub", scrub), ("pad", pad)):
        bridge.write_beside(to / "parts" / f"{name}.js", parcel.script("continuous.js", f"{name}.js").encode())
        content = f"<style>{part.CSS}</style>{part.HTML}"
        bridge.write_beside(to / "parts" / f"{name}.html", content.encode())
    for file in ("site.js", "site_lab.js", "site.css"):
        bridge.write_beside(to / file, (HERE / file).read_bytes())
    said = {"colours": charts.CLASSES, "models": models, "lab": with_lab}
    bridge.write_beside(to / "models.json", json.dumps(said, ensure_ascii=False).encode())
    title = html.escape(models[0]["title"] if len(models) == 1 else "ALI explorer")
    bridge.write_beside(to / "index.html", PAGE.format(policy=html.escape(POLICY), title=title).encode())


if __name__ == "__main__":
    main()
