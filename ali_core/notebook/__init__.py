"""A checkpoint in a notebook: a widget for Jupyter and marimo."""
