"""The hub's model card and config.json, made from our card."""

import json
import re

from ali_core.measure.measures import MEASURES

TAGS = ["ali-explorer", "adversarially-learned-inference", "representation-learning"]
TEXT = """---
{metadata}---

# {title}

{says}

With the ALI explorer installed (`pip install .[hub]` in its source):

    import ali_core
    model = ali_core.load("hf:{name}")
    codes = model.encode(pictures)        # uint8 {shape} -> (n, {latent})
    again = model.decode(codes)

Minimises {formula}.

## Data

{data}

## Measures

{measures}

## Limits

{limits}

## Licence

Weights: {licence}. Pictures that it learned from: {data_licence}.
"""


def config(card: dict) -> str:
    """config.json: what the hub counts downloads by, and what a reader wants to know first."""
    said = {"model_type": "ali", "library_name": "ali-explorer", "member": card["member"]["name"]}
    said |= {"shape": card["data"]["shape"], **card["config"]}
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"


def text(card: dict, name: str) -> str:
    """README.md: the metadata, then the card in words."""
    from huggingface_hub import EvalResult, ModelCardData

    data, title = card["data"], card.get("title", card["name"])
    rows, kind = card.get("metrics", {}).items(), "unconditional-image-generation"
    if data.get("domains"):
        kind = "image-to-image"
    results = [
        EvalResult(
            task_type=kind,
            dataset_type=_slug(data["name"]),
            dataset_name=data["name"],
            metric_type=key,
            metric_name=_measure(key),
            metric_value=entry["value"],
        )
        for key, entry in rows
    ]
    more = {"eval_results": results, "model_name": card["name"]} if results else {}
    metadata = ModelCardData(
        license=_licence(card),
        license_name=None if _licence(card) == "mit" else _slug(card.get("licence", "other")),
        library_name="ali-explorer",
        pipeline_tag=kind,
        tags=[*TAGS, card["member"]["name"]],
        **more,
    )
    table = ["| measure | value | n |", "|---|---|---|"]
    table += [f"| {_cell(entry['says'])} | {entry['value']:.4g} | {entry['n']:,} |" for _, entry in rows]
    train = f"{data['train']:,} examples of {data['name']} ({data['source']}); {data['held_out']:,} are held out."
    return TEXT.format(
        metadata=metadata.to_yaml() + "\n",
        title=title,
        says=card["member"]["says"],
        name=name,
        shape=f"(n, {', '.join(map(str, data['shape']))})",
        latent=card["config"]["latent"],
        formula=f"${card['member']['formula']}$",
        data=train,
        measures="\n".join(table) if rows else "None yet.",
        limits="\n".join(f"- {one}" for one in card.get("limits", ())) or "- Nobody has written them down.",
        licence=card.get("licence", "unknown"),
        data_licence=data["licence"],
    )


def _measure(key: str) -> str:
    return MEASURES[key].name if key in MEASURES else key


def _licence(card: dict) -> str:
    return "mit" if card.get("licence", "").startswith("MIT") else "other"


def _slug(words: str) -> str:
    return re.sub("[^a-z0-9]+", "-", words.lower()).strip("-")[:60] or "other"


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("\n", " ")
