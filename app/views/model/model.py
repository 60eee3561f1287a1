"""The card, for a careful reader: data, training, every measure and its baseline, limits, licence."""

import json
import re

import streamlit as st

from app import bridge
from app.shared import charts, classes, link, tray
from app.shared.card import MEASURES, by_factor, compared, duration, groups, headed, rows, written
from app.shared.plain import code, plain, sentence
from app.views.model import inside

SHOWN = 32  # samples on the page
# measures of all checkpoints
SIDE_BY_SIDE = ("reconstruction_mse", "reconstruction_mse_pca", "class_kept", "nn_accuracy", "frechet", "latent_sd")

PAPERS = {
    "ali": "Dumoulin, Belghazi, Poole, Mastropietro, Lamb, Arjovsky, Courville: *Adversarially Learned "
    "Inference*, ICLR 2017, arXiv 1606.00704",
    "bigan": "Donahue, Krähenbühl, Darrell: *Adversarial Feature Learning*, ICLR 2017, arXiv 1605.09782",
    "alice": "Li, Liu, Chen, Pu, Chen, Henao, Carin: *ALICE: Towards Understanding Adversarial Learning "
    "for Joint Distribution Matching*, NIPS 2017, arXiv 1709.01215",
    "gali": "Dandi, Bharadhwaj, Kumar, Rai: *Generalized Adversarially Learned Inference*, AAAI 2021, arXiv 2006.08089",
    "infovae": "Zhao, Song, Ermon: *The Information Autoencoding Family: A Lagrangian Perspective on "
    "Latent Variable Generative Models*, UAI 2018, arXiv 1806.06514",
    "vae": "Kingma, Welling: *Auto-Encoding Variational Bayes*, ICLR 2014, arXiv 1312.6114",
    "fashion-mnist": "Xiao, Rasul, Vollgraf: *Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine "
    "Learning Algorithms*, 2017, arXiv 1708.07747",
    "sprites": "Liberated Pixel Cup's artists: sprites, CC BY-SA 3.0 or GPL 3, lpc.opengameart.org; Li, "
    "Mandt: *Disentangled Sequential Autoencoder*, ICML 2018, arXiv 1803.02991",
    "toons": "Johan Melin: *ToonHead*, CC BY 4.0, figma.com/community/file/1589627891082866389; DiceBear's remix of "
    "it, put together anew",
    "celeba64": "Liu, Luo, Wang, Tang: *Deep Learning Face Attributes in the Wild*, ICCV 2015 (CelebA)",
    "mnist": "LeCun, Cortes, Burges: *The MNIST Database of Handwritten Digits*, 1998",
}
# members whose paper is another's
SAME_PAPER = {"gali4": "gali", "gali8": "gali", "gali-pt": "gali", "gali-mix": "gali"}
SAME_PAPER |= {"conditional-ali": "ali", "semi-supervised": "ali", "lagvae": "infovae"}
SAME_PAPER |= {"conditional-vae": "vae", "beta-vae": "vae"}
SAME_PAPER |= dict.fromkeys(("alice-z", "alice-adversarial", "conditional-alice"), "alice")


def show_training(card: dict) -> None:
    """What it is, its data, and how it was trained."""
    member, data, training = card["member"], card["data"], card.get("training", {})
    st.markdown(f"**Member of the family: {plain(member['name'].upper())}.** {plain(member['says'])}")
    if member.get("formula"):
        st.latex(member["formula"])
        st.caption(
            "Minimised by encoder and decoder. q(x, z): a picture and its code; p(x, z): a code of the "
            "prior and its picture."
        )
    config = card["config"]
    facts = [
        ["Data", f"{linked(data)}, licence {plain(data['licence'])}"],
        ["Pictures", f"{data['train']:,} to learn from, {data['held_out']:,} held out for every number here"],
        *([["Held out", plain(data["split"])]] if data.get("split") else []),
        *([["Framed", "at a face, 178 : 218, squeezed into a square; uploads are too"]] if data.get("frame") else []),
        ["Size", " × ".join(str(side) for side in data["shape"]) + f"; code of {config['latent']} numbers"],
    ]
    if training:
        seen = training["samples_seen"]
        facts += [
            ["Trained", f"{training['steps']:,} steps, {seen:,} pictures seen ({seen / data['train']:.1f} times each)"],
            ["Time", f"{duration(training['seconds'])} on {plain(training['hardware'])}, seed {training['seed']}"],
        ]
    facts.append(["Weights", f"{card['weights']['bytes'] / 1e6:.1f} MB, sha256 {card['weights']['sha256'][:12]}…"])
    st.markdown(rows(facts[0], facts[1:]))


def linked(data: dict) -> str:
    """The data's name as a link to where they come from, where that is an address."""
    name, source = plain(data["name"]), data["source"]
    address = re.fullmatch(r"https?://[\w./~%+-]+", source)
    return f"[{name}]({source})" if address else f"{name} ({plain(source)})"


def show_metrics(name: str, card: dict) -> None:
    """Every number with its n, its meaning, and what it is compared to."""
    metrics = card.get("metrics", {})
    st.markdown("#### How good, against what")
    if not metrics:
        st.info(f"Nothing is measured yet: {code(f'python -m ali_core evaluate checkpoints/{name}')}")
        return
    mean = bridge.codes.mean_picture_error(name)
    lines = [
        [
            row.name,
            f"**{written(key, metrics[key]['value'])}** {plain(metrics[key].get('unit', ''))}".strip(),
            compared(key, card, mean),
            f"{metrics[key]['n']:,}",
            plain(metrics[key]["says"]),
        ]
        for key, row in MEASURES.items()
        if key in metrics and row.shown
    ]
    st.markdown(rows(["Measure", "Value", "Compared to", "n", "Meaning"], lines, (1, 3)))
    if table := by_factor(card):
        st.markdown("#### Factor by factor")
        st.markdown(table)
    if table := groups(card):
        st.markdown("#### Much and little of it in the data, and where it errs more")
        st.markdown(table)
        st.caption(f"{metrics['group_error']['n']:,} held-out pictures. {plain(metrics['group_error']['says'])}.")


def show_family(names: list[str]) -> None:
    """All checkpoints' key numbers side by side."""
    st.markdown("#### All checkpoints")
    lines = []
    for name in names:
        card = bridge.checkpoints.card(name)
        metrics, training = card.get("metrics", {}), card.get("training", {})
        trust = card.get("atlas", {}).get("trustworthiness", {}).get("umap", {}).get("value")
        lines.append(
            [
                f"**{plain(name)}**".replace("-", "\u2011"),  # unbroken
                plain(card["member"]["name"].upper()),
                *(written(key, metrics.get(key, {}).get("value")) for key in SIDE_BY_SIDE),
                "–" if trust is None else f"{trust:.2f}",
                f"{training['samples_seen']:,}" if training else "–",
            ]
        )
    head = ["", "member", *map(headed, SIDE_BY_SIDE), "map's trust ↑", "pictures seen"]
    st.markdown(rows(head, lines, tuple(range(2, len(head)))))


def show_samples(name: str) -> None:
    """A sheet of samples; each has another seed, by which it can be had again."""
    st.markdown("**What it makes up**")
    link.keep("seed", 0, link.number(0, 999_999))
    link.keep("truncation", 1.0, truncation)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = st.number_input("First seed", 0, 999_999, key="seed", step=SHOWN, persist_state="session", width=150)
        spread = st.number_input(
            "Truncation",
            0.0,
            2.0,
            key="truncation",
            step=0.1,
            persist_state="session",
            width=150,
            help="The spread of the codes. 1: as the model was trained. Less: more alike and more typical.",
        )
        y = classes.choose(
            name,
            "samplesof",
            None,
            "each in turn",
            "Class",
            "In turn: the sample of seed s is of class s modulo the number of classes.",
        )
    seeds = range(first, first + SHOWN)
    pictures = bridge.models.samples_of(name, tuple(seeds), spread, y)
    scale = max(1, 56 // pictures.shape[1])
    st.image(
        charts.contact_sheet(pictures, 8, scale, charts.GENERATED),
        output_format="PNG",
        alt=f"{SHOWN} samples, seeds {seeds[0]} to {seeds[-1]}, truncation {spread:g}",
    )
    st.caption(f"Seeds {seeds[0]} to {seeds[-1]}, row by row, chosen by nobody.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.number_input("Seed", 0, 1_000_030, first, key=f"tray seed {first}", width=150)
        if st.button("To tray", icon=":material/add:"):
            asked = bridge.models.in_turn(name, chosen, y)
            tray.add(tray.sample_word(chosen, spread, asked if asked != bridge.models.in_turn(name, chosen) else ()))
            st.rerun()


def truncation(text: str) -> float:
    """The URL's truncation; raises ValueError for anything else."""
    if not 0 <= (value := float(text)) <= 2:
        raise ValueError(text)
    return round(value, 2)


def show_rights(name: str, card: dict) -> None:
    """Limits, licence, citation."""
    st.markdown("#### What it is bad at")
    st.markdown("\n".join(f"- {plain(limit)}" for limit in card.get("limits", [])))
    st.markdown("#### May I use it?")
    data = card["data"]
    st.markdown(
        f"{plain(card.get('licence', 'No licence is stated'))}. Data: {plain(data['licence'])}, "
        f"{plain(data['source'])}."
    )
    st.markdown("#### How to cite")
    member = card["member"]["name"]
    papers = [PAPERS[key] for key in (SAME_PAPER.get(member, member), data["name"]) if key in PAPERS]
    digest = card["weights"]["sha256"][:12]
    st.markdown("\n".join(f"- {line}" for line in [*papers, f"Checkpoint {plain(name)}, sha256 {digest}…"]))
    st.download_button(
        "The whole card (JSON)",
        json.dumps(card, indent=1, ensure_ascii=False),
        f"{name}-card.json",
        "application/json",
        icon=":material/download:",
    )


name = st.session_state["checkpoint"]
card = bridge.checkpoints.card(name)
st.markdown(f"#### {plain(card.get('title') or name)}")
left, right = st.columns([3, 2], gap="large")
with left:
    show_training(card)
with right:
    try:
        show_samples(name)
    except bridge.Problem as problem:
        st.error(sentence(problem))
show_family([other for other in bridge.checkpoints.names() if not bridge.checkpoints.broken(other)])
show_metrics(name, card)
inside.show(name)
show_rights(name, card)
