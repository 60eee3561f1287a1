"""The only door from the app to ali_core: plain data in, plain data out, everything heavy kept once.

A checkpoint is named by its folder's name. Caches are keyed by the files' digests or time stamps and by
scalars, never by arrays. torch is imported when a model is first asked, never before. Every function may
raise Problem, whose message is a sentence for st.error.
"""

# ruff: noqa: F401, what stands here is what the pages use
from ali_core.data import npz
from ali_core.files import write_beside
from ali_core.measure import measures
from ali_core.measure.set_measures import TRANSLATIONS
from ali_core.models import runtime, sheet
from ali_core.problem import Problem

from . import (
    checkpoints,
    classes,
    codes,
    comparing,
    directions,
    family,
    graphs,
    guessing,
    inside,
    jobs,
    judging,
    lab,
    layouts,
    live,
    mine,
    models,
    own,
    teaching,
    translating,
)
