"""Text that somebody else wrote, where Streamlit or Plotly would read it as markup.

A picture in such a text would call another host.
"""

import re

# in the middle of a word an underscore is one
_MARKUP = re.compile(r"[\\`*\[\]<>&$~]|(?<![^\W_])_|_(?![^\W_])|\A[#+=-]|(?<=\A\d)[.)]")


def plain(text: str) -> str:
    """Markdown that shows a text as it is, in one line."""
    text = _MARKUP.sub(r"\\\g<0>", " ".join(str(text).split()))
    return re.sub(r":(?=\w)", ":\u2060", text)  # nor :smile: nor :red


def sentence(problem: object) -> str:
    """A Problem's sentence as Markdown: its `commands` stay, the rest is plain."""
    parts = re.split(r"(`[^`]+`)", str(problem))
    # a space at an end of a part is one between it and the command
    return "".join(
        code(part[1:-1]) if i % 2 else re.sub(r"\S(.*\S)?", lambda m: plain(m[0]), part, flags=re.S)
        for i, part in enumerate(parts)
    )


def code(text: str) -> str:
    """A text between backticks."""
    return "`" + " ".join(str(text).split()).replace("`", "'") + "`"


def label(text: str) -> str:
    """A text for Plotly, which knows a little HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;")
