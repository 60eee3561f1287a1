"""A card in words and tables: which number is shown how, and what it is compared to."""

import math

from .plain import plain

# measure: its name, its decimals, and whether it is a share
MEASURES = {
    "reconstruction_mse": ("Reconstruction error (MSE)", 4, False),
    "psnr": ("Reconstruction, PSNR", 1, False),
    "ssim": ("Reconstruction, SSIM", 3, False),
    "class_kept": ("Reconstructions keep the class", 1, True),
    "verdict_kept": ("Reconstructions keep the verdict", 1, True),
    "feature_mse": ("Reconstruction error in features", 3, False),
    "class_named": ("The discriminator names the class", 1, True),
    "inpainting_mse": ("Error inside of holes (MSE)", 4, False),
    "nn_accuracy": ("Class from the nearest code", 1, True),
    "nn_accuracy_hidden": ("Class from the nearest, a layer before", 1, True),
    "probe_accuracy": ("Class from a line through the codes", 1, True),
    "round_trip": ("Codes move on the way round", 2, False),
    "latent_mean": ("Mean of the codes", 3, False),
    "latent_sd": ("Spread of the mean codes", 2, False),
    "drawn_sd": ("Spread of drawn codes", 2, False),
    "posterior_sd": ("Width of a posterior", 2, False),
    "latent_norm": ("Length of the mean codes", 2, False),
    "information_q": ("Information in codes of pictures, I_q (nats, at most log n)", 1, False),
    "information_p": ("Information in pictures of codes, I_p (nats)", 1, False),
    "log_odds": ("Discriminator on a picture and its code", 2, False),
    "negative_elbo": ("−ELBO (nats)", 0, False),
    "match_0": ("Divergence of the tuples (nats)", 3, False),
    "match_1": ("Divergence of the second match (nats)", 3, False),
    "match_2": ("Divergence of the third match (nats)", 3, False),
    "term_reconstruction": ("Term: absolute error of a reconstruction", 4, False),
    "term_latent_reconstruction": ("Term: squared error of a code's way round", 4, False),
    "term_nll": ("Term: −log p(x|z) (nats)", 1, False),
    "term_kl": ("Term: KL of posterior and prior (nats)", 1, False),
    "term_mmd": ("Term: MMD of codes and prior", 4, False),
    "term_consistency": ("Term: −ELBO (nats)", 1, False),
    "term_supervised": ("Term: cross-entropy of the class (nats)", 3, False),
    "class_obeyed": ("Samples are of the class asked for", 1, True),
    "class_edited": ("Pictures become the class asked for", 1, True),
    "others_kept": ("The other factors stay", 1, True),
    "group_error": ("Error of the worst class over the best's", 2, False),
    "group_share": ("The rarest class in training", 1, True),
    "confident": ("The classifier is sure of samples", 1, True),
    "inception_score": ("Classifier score of samples", 2, False),
    "frechet": ("Fréchet distance of samples", 1, False),
    "precision": ("Precision of samples", 1, True),
    "recall": ("Recall of samples", 1, True),
    "density": ("Density of samples", 2, False),
    "coverage": ("Coverage by samples", 1, True),
}

# measures that stand in a table of factors only
ALSO = {
    "probe_accuracy_pca": "From a line through PCA of the same size",
    "confident_real": "The classifier is sure of real pictures",
}

# what a number is compared to: words, in which {name} is another measure of the same card
COMPARED = {
    "psnr": "higher is better",
    "ssim": "the same picture: 1",
    "class_kept": "chance: {chance}",
    "feature_mse": "lower is better",
    "class_named": "chance: {chance}",
    "inpainting_mse": "the mean picture: {inpainting_mse_mean}",
    "nn_accuracy": "pixels {nn_accuracy_pixels}, PCA of the same size {nn_accuracy_pca}",
    "probe_accuracy": "pixels {probe_accuracy_pixels}, PCA of the same size {probe_accuracy_pca}",
    "round_trip": "no movement: 0",
    "latent_mean": "the prior: 0",
    "latent_sd": "the prior: 1",
    "drawn_sd": "the prior: 1",
    "posterior_sd": "the prior: 1",
    "latent_norm": "the prior: {prior}",
    "information_p": "a lower bound",
    "negative_elbo": "lower is better",
    "match_0": "a discriminator that guesses: 0",
    "match_1": "a discriminator that guesses: 0",
    "match_2": "a discriminator that guesses: 0",
    "term_reconstruction": "lower is better",
    "term_latent_reconstruction": "lower is better",
    "term_nll": "lower is better",
    "term_kl": "the member's own loss",
    "term_mmd": "equal distributions: 0",
    "term_consistency": "lower is better",
    "term_supervised": "chance: its logarithm",
    "class_obeyed": "chance: {chance}",
    "class_edited": "chance: {chance}",
    "others_kept": "at most 100%",
    "confident": "real pictures: {confident_real}",
    "log_odds": "with another picture's code: {log_odds_swapped}",
    "inception_score": "at most the number of classes",
    "frechet": "as many real pictures: {frechet_floor}",
    "density": "real pictures: about 1",
    "group_error": "as good for all: 1",
    "group_share": "see the table of groups",
}


def written(key: str, value: float | None) -> str:
    """A number as the tables show it."""
    if value is None:
        return "–"
    _, decimals, share = MEASURES[key]
    return f"{value:.{decimals}%}" if share else f"{value:.{decimals}f}".replace("-", "−")


def compared(key: str, card: dict, mean_picture_error: float | None) -> str:
    """What a number of the card is to be compared to."""
    guessed = card["metrics"].get(f"{key}_guessed")
    told = f"; with the class guessed: {written(key, guessed['value'])}" if guessed else ""
    if key == "reconstruction_mse":
        known = mean_picture_error is not None
        return (f"the mean picture: {mean_picture_error:.4f}" if known else "lower is better") + told
    known = {other: entry["value"] for other, entry in card["metrics"].items()}
    known["prior"] = card["metrics"][key].get("prior")
    factors = card["data"].get("factors") or {"class": card["data"]["label_names"]}
    known["chance"] = sum(1 / max(1, len(names)) for names in factors.values()) / len(factors)
    if key == "information_q":
        ceiling = math.log(card["metrics"][key]["n"])
        reached = known[key] > ceiling - 0.1
        more = ", reached: what a code tells beyond is not seen" if reached else ""
        return f"at most log n: {written(key, ceiling)}{more}"
    template = COMPARED.get(key, "at most 100%")
    if "probe_accuracy_pixels" not in known and key == "probe_accuracy":
        template = "PCA of the same size {probe_accuracy_pca}"
    asked = {other: written(key, known[other]) for other in known if f"{{{other}}}" in template}
    try:
        return template.format(**asked) + told
    except KeyError:  # a card of another version lacks the number to compare to
        return "–"


def by_factor(card: dict) -> str:
    """The measures that the card has for every factor, as a table; "" where there is one class."""
    if not (factors := list(card["data"].get("factors", ()))):
        return ""
    measures = {k: entry["factors"] for k, entry in card["metrics"].items() if "factors" in entry}
    judge = {"real pictures, by the classifier": card.get("classifier", {}).get("factors", {})}
    named = {ALSO.get(k) or MEASURES[k][0]: shares for k, shares in measures.items()} | judge
    lines = [
        [word, *(f"{shares[factor]:.1%}" for factor in factors)]
        for word, shares in named.items()
        if set(factors) <= set(shares)
    ]
    return rows(["", *map(plain, factors)], lines, tuple(range(1, len(factors) + 1))) if lines else ""


def groups(card: dict) -> str:
    """Per factor, how large a part of the training pictures each class is and the error on it, as a table; or ""."""
    share, error = (card["metrics"].get(key, {}).get("factors", {}) for key in ("group_share", "group_error"))
    lines = []
    for factor, classes in card["data"].get("factors", {}).items():
        named = [(plain(word), f"{factor}: {word}") for word in classes]
        parts = [f"{word} {share[key]:.1%}" for word, key in named if key in share]
        errors = [f"{word} {error[key]:.4f}" for word, key in named if key in error]
        if parts and errors:
            lines.append([plain(factor), ", ".join(parts), ", ".join(errors)])
    return rows(["", "of the training pictures", "error (MSE) on held-out ones"], lines) if lines else ""


def uneven(card: dict) -> str:
    """The rarest class, and those of the largest and the smallest error, in a sentence; or ""."""
    share, error = (card.get("metrics", {}).get(key, {}).get("factors", {}) for key in ("group_share", "group_error"))
    if not share or not error:
        return ""
    rarest, worst, best = min(share, key=share.get), max(error, key=error.get), min(error, key=error.get)
    return (
        f"Not all are served alike: «{plain(rarest)}» is {share[rarest]:.1%} of its training pictures, and its error is "
        f"{error[worst]:.4f} on «{plain(worst)}», {error[best]:.4f} on «{plain(best)}»; all groups are on the page Model."
    )


def duration(seconds: float) -> str:
    """Seconds in words."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def rows(head: list[str], lines: list[list[str]], right: tuple[int, ...] = ()) -> str:
    """A Markdown table; the columns in `right` are aligned to the right."""
    rule = ["---:" if i in right else "---" for i in range(len(head))]
    lines = [[cell.replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, rule, *lines])
