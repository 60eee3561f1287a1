"""The only door from the app to ali_core: plain data in, plain data out, everything heavy kept once.

A checkpoint is named by its folder's name. Caches are keyed by the files' digests or time stamps and by
scalars, never by arrays. torch is imported when a model is first asked, never before. Every function may
raise Problem, whose message is a sentence for st.error.
"""

# ruff: noqa: F401, what stands here is what the pages use
from ali_core.problem import Problem

from .checkpoints import broken, card, domains, names, root, samples, translators
from .classes import classes, factors, likeliest, own, worded
from .codes import (
    atlas,
    atlas_by,
    corners,
    interpolate,
    lift,
    mean_picture_error,
    near,
    nearest,
    origin,
    pictures,
    place,
)
from .comparing import peers, remembered
from .directions import directions, walk
from .family import members
from .guessing import guessable, rounds
from .judging import (
    COMPARED,
    MEDIAN,
    fillers,
    held_ssim,
    look,
    quantile,
    remember,
    rivals,
    see,
    stand_ins,
)
from .lab import planar, points_of, recorded, recordings, settings, table_of_points
from .live import about, do, load, news, start, stop
from .models import (
    decode,
    draw,
    encode,
    fill,
    fills,
    in_turn,
    posterior,
    prior,
    reconstruct,
    samples_of,
    warm,
)
from .translating import (
    border,
    gallery,
    kin,
    limits,
    there_and_back,
    through,
    translate,
    truth,
    unpacked,
    zipped,
)
