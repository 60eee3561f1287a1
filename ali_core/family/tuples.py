"""The tuples that discriminators tell apart, a match each; letters as in family.py."""

from .objectives import MAXIMISED, Match

PAIRS = (("x", "z_hat"), ("x_tilde", "z"))  # ALI, eq. 1: (x, E(x)) against (G(z), z)
_JS = r"\mathrm{{JS}}\left(q({0})\,\|\,p({0})\right)"

JOINT = Match(PAIRS, _JS.format("x, z"))
ON_X = Match((("x",), ("x_tilde",)), _JS.format("x"))
ON_Z = Match((("z_hat",), ("z",)), _JS.format("z"))
AFTER = Match(  # E is fitted to a given G
    (PAIRS[0], ("x_fixed", "z")),
    r"\mathrm{JS}\left(q(x, z)\,\|\,\bar p(x, z)\right)",
)
GIVEN_Y = Match((("x", "z_hat", "y"), ("x_tilde", "z", "y")), _JS.format(r"x, z \mid y"))
SAME_X = Match(
    (("x", "x"), ("x", "x_rec")),
    r"\mathrm{JS}\left((x, x)\,\|\,(x, G(E(x)))\right)",
    information=(MAXIMISED, 0),
)
SAME_Z = Match(
    (("z", "z"), ("z", "z_rec")),
    r"\mathrm{JS}\left((z, z)\,\|\,(z, E(G(z)))\right)",
    information=(0, MAXIMISED),
)
FOUR = Match(  # GALI-4
    (("x", "z_hat"), ("x", "z_rec_hat"), ("x_tilde", "z"), ("x_rec_tilde", "z")),
    r"\mathrm{JS}_4\left((x, E(x)), (x, E(G(E(x)))), (G(z), z), (G(E(G(z))), z)\right)",
)
EIGHT = Match(  # GALI-8: both orders of the two x and of the two z
    (
        ("x", "z_hat", "x_rec", "z_rec_hat"),
        ("x", "z_rec_hat", "x_rec", "z_hat"),
        ("x_rec", "z_hat", "x", "z_rec_hat"),
        ("x_rec", "z_rec_hat", "x", "z_hat"),
        ("x_tilde", "z", "x_rec_tilde", "z_rec"),
        ("x_tilde", "z_rec", "x_rec_tilde", "z"),
        ("x_rec_tilde", "z", "x_tilde", "z_rec"),
        ("x_rec_tilde", "z_rec", "x_tilde", "z"),
    ),
    r"\mathrm{JS}_8\left((x, E(x), G(E(x)), E(G(E(x)))), \ldots, (G(z), z, \ldots)\right)",
)
FEATURES = Match(  # GALI-PT: classes 2 and 3 both carry M(G(z))
    (
        ("x", "z_hat", "m"),
        ("x", "z_rec_hat", "m_rec"),
        ("x_tilde", "z", "m_tilde"),
        ("x_rec_tilde", "z", "m_tilde"),
    ),
    r"\mathrm{JS}_4\left((x, E(x), M(x)), (x, E(G(E(x))), M(G(E(x)))), (G(z), z, M(G(z))), "
    r"(G(E(G(z))), z, M(G(z)))\right)",
)
MIX = Match(
    (
        ("x", "z_hole"),
        ("x", "z_fill"),
        ("x_fill", "z_mix"),
        ("x_mix", "z_hole"),
        ("x_tilde", "z"),
        ("x_back", "z"),
        ("x_mix", "z_fill"),
        ("x", "z_mix"),
    ),
    r"\mathrm{JS}_8\left((x, E(m(x))), (\mathrm{mix}, E(m(x))), \ldots, (G(z), z), "
    r"(G(E(m(G(z)))), z)\right)",
)

PAIRED = Match(  # Triangle-GAN's two discriminators as one
    (("x_pair", "z_pair"), *PAIRS),
    r"\mathrm{JS}_3\left((x, z)_{\mathrm{true}}, (x, E(x)), (G(z), z)\right)",
)
