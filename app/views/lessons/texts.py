"""The eight lessons: text, what is shown, what is asked; every number in an answer is read from a recording or a card."""

from typing import NamedTuple

DATA, GENERATED, BACK, CODE, PRIOR, JUDGE = ["#0072B2", "#D55E00", "#009E73", "#56B4E9", "#E69F00", "#CC79A7"]
# symbol: its panel's colour, how it is written, what it is
SYMBOLS = {
    "x": (DATA, "x", "A point of the data."),
    "z": (PRIOR, "z", "A code, drawn from the prior N(0, I): two random numbers."),
    "G": (GENERATED, "G", "The decoder: from a code to a point."),
    "x̃": (GENERATED, r"\tilde x", "G(z), a generated point."),
    "E": (CODE, "E", "The encoder: from a point to its code."),
    "ẑ": (CODE, r"\hat z", "E(x), the code of a point."),
    "x̂": (BACK, r"\hat x", "G(E(x)), the reconstruction: there and back."),
    "D": (JUDGE, "D", "The discriminator: it tells where a pair comes from."),
}


def coloured(formula: str) -> str:
    """LaTeX whose @X stands for a symbol in its panel's colour."""
    for name in sorted(SYMBOLS, key=len, reverse=True):  # x̃ begins with x
        colour, tex, _ = SYMBOLS[name]
        formula = formula.replace(f"@{name}", rf"\textcolor{{{colour}}}{{{tex}}}")
    return formula


class Lesson(NamedTuple):
    """One idea of five to ten minutes.

    runs: recordings, one or two side by side; knob: words of a slider -> the recording it shows first.
    measures: name -> (recording, step or -1 for the last, key) or (checkpoint, None, metric), for `why`.
    tries: the live run of `breaks`, as the lab's link has it.
    """

    title: str
    minutes: int
    idea: str
    formula: str
    symbols: str
    runs: tuple[str, ...]
    layers: tuple[str, ...]
    question: str
    options: tuple[str, ...]
    right: int
    why: str
    measures: dict[str, tuple]
    breaks: str
    tries: dict[str, object]
    notes: str
    knob: dict[str, str] = {}  # noqa: RUF012, never changed


_GRID = {"data": "grid", "r1": 0.01, "sines": 10}

LESSONS = (
    Lesson(
        "A decoder from noise",
        5,
        "A decoder *G* is a function: it takes a code *z*, two random numbers, and gives a point *x̃*. "
        "Nobody tells it what to draw. At first it is a random, nearly straight map, so the cloud of codes "
        "comes out as a small smear. Training bends it until its points lie where the data lie.",
        r"@x̃ = @G(@z), \qquad @z \sim \mathcal N(0, I)",
        "z G x̃ x",
        ("decoder-start",),
        ("x", "x_tilde", "z", "lattice"),
        "Before the first step: what do the generated points look like?",
        ("The ring already, only blurred.", "A small smear somewhere.", "Points everywhere, evenly."),
        1,
        "At step 0 the samples find {first} of 8 modes: a random map squeezes the cloud of codes into a smear. "
        "After {step} steps they find {last}. Watch the lattice: straight lines of codes become bent lines of "
        "points. Between two modes the decoder cannot jump, it has to stretch.",
        {
            "first": ("decoder-start", 0, "modes"),
            "last": ("decoder-start", -1, "modes"),
            "step": ("decoder-start", -1, "step"),
        },
        "Give it hidden layers of 4 units. Can so small a decoder bend the plane into a ring?",
        {"member": "ali", "data": "ring", "width": 4, "r1": 0.01, "sines": 30},
        "Ask where the pictures of a generator come from; learners often answer “from the data”. Switch the layer "
        "“x data” off and on: G never sees it. The lattice is the picture to remember.",
    ),
    Lesson(
        "A GAN, and the modes it loses",
        8,
        "Who tells the decoder that its points are wrong? A second network, the discriminator *D*, learns to tell "
        "real points from generated ones (blue: it believes “real”). The decoder learns to go where *D* says blue. "
        "That is a GAN. Nothing in this game says that **all** blue places must be visited.",
        r"\min_{@G} \max_{@D}\; \mathbb E \log @D(@x) + \mathbb E \log\left(1 - @D(@G(@z))\right)",
        "x z G D",
        ("gan-grid",),
        ("x", "x_tilde", "z", "belief"),
        "After 1,500 steps its samples reach 17 of the 25 clusters. And after 4,000?",
        ("All 25: it goes on learning.", "Still 17.", "Fewer than 15."),
        2,
        "At step {early} they reach {modes_early} of 25, and {good_early} of the samples lie right on a cluster. At step {end} "
        "{good_end} of them do, but only {modes_end} clusters are left: what the decoder does well it does better, the rest it gives up. "
        "D is sure that the places it left are real, but its belief is flat there, and a decoder feels D only where its own points are.",
        {
            "early": ("gan-grid", 1500, "step"),
            "modes_early": ("gan-grid", 1500, "modes"),
            "good_early": ("gan-grid", 1500, "good"),
            "end": ("gan-grid", -1, "step"),
            "modes_end": ("gan-grid", -1, "modes"),
            "good_end": ("gan-grid", -1, "good"),
        },
        "Start the same GAN with another seed. Does it lose the same clusters?",
        {"member": "gan", **_GRID, "seed": 1},
        "Let learners vote before they run it. The word is mode collapse. Point at D's map: away from the samples it "
        "is evenly blue, so nothing pulls there. (Here D pays a price for steep beliefs and sees sines of x; without both it is worse.)",
    ),
    Lesson(
        "Going back: three ways to an encoder",
        10,
        "Which code belongs to a given point? A GAN cannot say. One can teach an encoder *E* to undo a decoder "
        "(on its samples: **inverse mapping**), or fit it to the decoder by a discriminator that sees pairs "
        "(**afterwards**). In both the decoder does not listen. ALI trains both **together**: here the decoder must "
        "make points that have a code, and the encoder codes that have a point.",
        r"@D: \quad (@x, @E(@x)) \;\text{ or }\; (@G(@z), @z)\,?",
        "x z E G D",
        ("later-grid", "ali-grid"),
        ("x", "x_rec", "z_hat", "z"),
        "Green points are the way there and back, x̂ = G(E(x)). At the last frame, who brings points back worst?",
        ("The inverse mapping (not shown).", "The encoder fitted afterwards (above).", "ALI (below)."),
        1,
        "Squared error at step {step}: inverse mapping {gan}, fitted afterwards {later}, ALI {ali}. The inverse mapping is trained on "
        "nothing but this error, so it is small, but only on what the decoder makes: {gan_modes} of 25 clusters, ALI {ali_modes}. Where a "
        "decoder makes nothing, no code exists, and the best encoder cannot help. The one fitted afterwards has to make do with a decoder "
        "that never listened to it, which reaches {later_modes}. This is one run of each, not a proof.",
        {
            "step": ("ali-grid", -1, "step"),
            "gan": ("gan-grid", -1, "mse"),
            "later": ("later-grid", -1, "mse"),
            "ali": ("ali-grid", -1, "mse"),
            "gan_modes": ("gan-grid", -1, "modes"),
            "later_modes": ("later-grid", -1, "modes"),
            "ali_modes": ("ali-grid", -1, "modes"),
        },
        "Train the GAN with the inverse mapping beside ALI with another seed. Who wins there?",
        {"member": "gan", "against": "ali", **_GRID, "seed": 2},
        "This is the figure of the ALI paper (section 4.5) on its 25 Gaussians, with our nets; "
        "the GAN with the inverse mapping is on page Lab, under Replay. Collect the results of "
        "several seeds on the board: that is the honest answer, and a lesson about single runs.",
    ),
    Lesson(
        "Why the discriminator sees pairs",
        8,
        "ALI's *D* is shown a point **and** a code. Choose a code: click one of the rings in latent space. The left map "
        "shows where *D* believes in a pair with **this** code. Choose a point on the left, and the right map shows "
        "which codes *D* accepts for it. If *D* saw x alone, or z alone, E and G would never have to agree.",
        r"@D(@x, @z) = \frac{q(@x, @z)}{q(@x, @z) + p(@x, @z)}",
        "x z D",
        ("ali-grid",),
        ("x", "z_hat", "z", "belief", "classes"),
        "You choose another z. What happens to D's map over x?",
        ("Nothing: a point is real or it is not.", "The blue places move.", "It turns white: D cannot know."),
        1,
        "The map over x belongs to one z. A trained D notices a swapped code: on digits (mnist-conditional) its "
        "mean log-odds for “from the encoder” are {own} for a picture with its own code and {swapped} with another picture's, "
        "on garments (fashion-ali) {own_ali} and {swapped_ali}. Which way they move is open: D never sees a swapped pair in "
        "training. Were they equal, D would be lazy: it would not look at z, and E and G need not agree.",
        {
            "own": ("mnist-conditional", None, "log_odds"),
            "swapped": ("mnist-conditional", None, "log_odds_swapped"),
            "own_ali": ("fashion-ali", None, "log_odds"),
            "swapped_ali": ("fashion-ali", None, "log_odds_swapped"),
        },
        "cyclegan has one D for points and one for codes, and never pairs. Run it beside ALI: the maps no longer depend on your choice.",
        {"member": "cyclegan", "against": "ali", **_GRID},
        "Scrub to step 400 first: the maps are clearest while D still learns. Let a learner choose z and the class predict "
        "where blue will be; the colours of the classes help.",
    ),
    Lesson(
        "A posterior is a distribution",
        7,
        "ALI's encoder does not give one code but a cloud: a mean and a spread, *q(z|x)*. An ellipse holds the codes of "
        "one point (two standard deviations). Every code inside comes back as nearly the same point. How large a cloud may "
        "be depends on what the loss pays for.",
        r"q(@z \mid @x) = \mathcal N\left(\mu(@x), \sigma^2(@x)\right)",
        "x z",
        ("ali-grid", "info-least"),
        ("x_rec", "z_hat", "ellipse", "classes"),
        "ALI (above) has no loss on the size of the clouds; the VAE below has the KL of each cloud to the prior, with a weight of 40. "
        "Whose ellipses are larger at the end?",
        ("ALI's.", "The VAE's.", "They are alike."),
        1,
        "Mean standard deviation of q(z|x): ALI {ali}, the VAE {vae}; the prior has 1. The VAE's clouds are "
        "wide: telling is dear. ALI's encoder has become almost a function, as its paper observed; on garments (fashion-ali) "
        "its clouds have {fashion_ali}. Reconstruct shows sixteen draws for a picture of yours.",
        {
            "ali": ("ali-grid", -1, "posterior_sd"),
            "vae": ("info-least", -1, "posterior_sd"),
            "fashion_ali": ("fashion-ali", None, "posterior_sd"),
        },
        "Make the KL nearly free for the VAE (weight of kl: 0.01). What becomes of the ellipses, and of the orange prior between them?",
        {"member": "vae", "data": "grid", "vae.kl": 0.01},
        "“Which code is the right one?” There is none: ask for the probability that a code belongs to this x.",
    ),
    Lesson(
        "Sharp, but somebody else",
        8,
        "ALI's reconstructions are sharp, and often of somebody else: nothing in its loss compares x with x̂. The joint match "
        "is satisfied by any pairing of points and codes that looks right as a whole. ALICE adds the missing "
        "sentence: what goes in must come out.",
        r"\mathrm{JS}\left(q(@x, @z)\,\|\,p(@x, @z)\right) + \lambda\, \mathbb E\, \|@x - @x̂\|_1",
        "x z x̂",
        ("ali-grid", "alice-grid"),
        ("x", "x_rec", "z_hat", "z"),
        "Arrows lead from x to x̂. Which run has the shorter arrows?",
        ("ALI, above.", "ALICE, below.", "They are alike: both match the same distributions."),
        1,
        "Mean squared error at the end: ALI {ali}, ALICE {alice}; clusters found {ali_modes} and {alice_modes} of 25. On garments "
        "the reconstruction keeps its class in {ali_kept} (fashion-ali) and {alice_kept} (fashion-alice). The price: "
        "of ALI's samples {ali_good} are good, of ALICE's {alice_good}.",
        {
            "ali": ("ali-grid", -1, "mse"),
            "alice": ("alice-grid", -1, "mse"),
            "ali_modes": ("ali-grid", -1, "modes"),
            "alice_modes": ("alice-grid", -1, "modes"),
            "ali_good": ("ali-grid", -1, "good"),
            "alice_good": ("alice-grid", -1, "good"),
            "ali_kept": ("fashion-ali", None, "class_kept"),
            "alice_kept": ("fashion-alice", None, "class_kept"),
        },
        "Give ALICE's reconstruction a weight of 50. Are its samples still good?",
        {"member": "alice", **_GRID, "alice.reconstruction": 50},
        "Play the guess game afterwards (page Guess): real, reconstruction or sample? Pixel error is not identity: discuss "
        "what “the same garment” means.",
    ),
    Lesson(
        "More tuples: GALI",
        8,
        "ALI's *D* sorts two kinds of pairs. GALI goes round once more and shows four: (x, E(x)), (x, E(G(E(x)))), (G(z), z), "
        "(G(E(G(z))), z). If all four look alike, then what comes back looks like what went in, and *D* says so in its own, "
        "learned terms, not in squared pixels.",
        r"\begin{gathered}\mathrm{JS}_4:\;(@x, @E(@x)),\ (@x, @E(@G(@E(@x)))),\\ (@G(@z), @z),\ (@G(@E(@G(@z))), @z)\end{gathered}",
        "x z E G",
        ("ali-grid", "gali4-grid"),
        ("x", "x_tilde", "x_rec", "z_hat", "z"),
        "Twice as many tuples for D. What gets better?",
        (
            "Nothing: it is the same game.",
            "Reconstructions come closer, and more clusters are found.",
            "Only the samples.",
        ),
        1,
        "At the end: error of x̂ {ali} for ALI and {gali} for GALI-4; clusters {ali_modes} and {gali_modes} of 25; good samples "
        "{ali_good} and {gali_good}. It costs time: two more passes through E and two through G a step. It still lacks ALICE's direct comparison (lesson 6).",
        {
            "ali": ("ali-grid", -1, "mse"),
            "gali": ("gali4-grid", -1, "mse"),
            "ali_modes": ("ali-grid", -1, "modes"),
            "gali_modes": ("gali4-grid", -1, "modes"),
            "ali_good": ("ali-grid", -1, "good"),
            "gali_good": ("gali4-grid", -1, "good"),
        },
        "Eight tuples: run gali8 beside gali4. Is more always better? Look at steps per second, too.",
        {"member": "gali8", "against": "gali4", **_GRID},
        "Let learners write down the four tuples from the drawing “there, back, there again”. Which two would D "
        "confuse first? (Those with the same x.)",
    ),
    Lesson(
        "One family",
        10,
        "A VAE, an InfoVAE, a beta-VAE, ALI, ALICE, a GAN: each is the same three wishes with different prices. Match the data, "
        "match the prior, and pay (or be paid) for the information that a code carries. Move the coefficient of that information "
        "and watch one loss become another model.",
        r"\begin{aligned}-\mathbb E \log p(@x \mid @z) &+ a\,\mathrm{KL}\left(q(@z \mid @x)\,\|\,p(@z)\right)"
        r"\\ &+ b\,\mathrm{MMD}\left(q(@z), p(@z)\right)\end{aligned}",
        "x z",
        ("info-vae",),
        ("x", "x_rec", "z_hat", "ellipse", "z"),
        "The coefficient of I(x; z) is a − 1. We raise it from 0 (a VAE) to 39 (a beta-VAE). What do the ellipses do?",
        ("They shrink to points.", "They grow until they touch.", "They leave the prior."),
        1,
        "A code's KL to the prior, at the end: {least} nats at 39, {vae} at 0, {half} at −0.5. Dear information is "
        "used sparingly: wide clouds (sd {least_sd} instead of {vae_sd}), and the samples find "
        "{least_modes} of 25 clusters instead of {vae_modes}. At −1 the KL has no price, and what is left of the loss pays for information: sd {most_sd}, nearly a function, "
        "and only the MMD keeps the codes near the prior.",
        {
            "least": ("info-least", -1, "constraints.term_kl"),
            "vae": ("info-vae", -1, "constraints.term_kl"),
            "half": ("info-half", -1, "constraints.term_kl"),
            "least_sd": ("info-least", -1, "posterior_sd"),
            "vae_sd": ("info-vae", -1, "posterior_sd"),
            "most_sd": ("info-most", -1, "posterior_sd"),
            "least_modes": ("info-least", -1, "modes"),
            "vae_modes": ("info-vae", -1, "modes"),
        },
        "Train a VAE with kl at 2000. When does it stop to say anything about x (posterior collapse)?",
        {"member": "vae", "data": "grid", "vae.kl": 2000},
        "The table of the whole family, with formulas, is on page Compare under “Family”. Ask which rows have a negative "
        "coefficient (InfoVAE) or “maximised” (InfoGAN, ALICE): they are paid for information.",
        {"39": "info-least", "0": "info-vae", "−0.5": "info-half", "−1": "info-most"},
    ),
)
