"""The results table of README, from the cards.   python -m tests.results writes it there"""

from pathlib import Path

from ali_core import checkpoint
from ali_core.problem import write_beside

ROOT = Path(__file__).parents[1]
BEGIN, END = (
    "<!-- results: made by `python -m tests.results`; a test keeps it true -->",
    "<!-- end of results -->",
)

COLUMNS = {
    "reconstruction MSE": ("reconstruction_mse", "{:.4f}"),
    "SSIM": ("ssim", "{:.3f}"),
    "class kept": ("class_kept", "{:.1%}"),
    "1-NN of codes": ("nn_accuracy", "{:.1%}"),
    "code sd": ("latent_sd", "{:.2f}"),
    "Fréchet of samples": ("frechet", "{:.1f}"),
    "pictures seen": (None, "{:,}"),
    "hours": (None, "{:.1f}"),
}


def table() -> str:
    """Markdown, a row per shipped checkpoint, and what raw pixels and real pictures reach."""
    lines = ["| checkpoint | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name in checkpoint.names(ROOT / "checkpoints"):
        card = checkpoint.card(ROOT / "checkpoints" / name)
        metrics, training = card["metrics"], card["training"]
        own = {"pictures seen": training["samples_seen"], "hours": training["seconds"] / 3600}
        cells = [
            form.format(metrics[key]["value"] if key else own[title])
            for title, (key, form) in COLUMNS.items()
        ]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    floor = {"nn_accuracy": "nn_accuracy_pixels", "frechet": "frechet_floor"}
    cells = [
        form.format(metrics[floor[key]]["value"]) if key in floor else ""
        for key, form in COLUMNS.values()
    ]
    lines.append("| *raw pixels; real pictures* | " + " | ".join(cells) + " |")
    judge = card["classifier"]["accuracy"]
    lines += [
        "",
        f"Trained on {training['hardware']}. Classes and Fréchet features are those of a small",
    ]
    lines += [f"classifier that is right on {judge:.1%} of the held-out pictures."]
    return "\n".join(lines)


def write() -> None:
    """Puts the table between its marks in README.md."""
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    write_beside(path, f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}".encode())


if __name__ == "__main__":
    write()
