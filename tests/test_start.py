"""README's first command, as a reader gives it.   python -m pytest tests/test_start.py"""

import urllib.request

import pytest

from app.__main__ import ROOT
from tests.conftest import serving, settle


@pytest.mark.skipif(not (ROOT / ".venv").exists(), reason="there is no .venv, and making one takes minutes")
def test_the_command_of_readme_opens_a_browser_at_the_page(page, tmp_path):
    """It says where it is, nothing is asked or offered, and no server is left when it ends."""
    log = tmp_path / "log"
    reader = {"BROWSER": "printf opened=%s."}
    with serving(log, "app", **reader) as address:
        page.goto(address)
        page.wait_for_selector(".js-plotly-plot")
        settle(page)
        for asking in ("Streamlit skills", "email"):
            assert page.get_by_text(asking).count() == 0
        assert page.get_by_text("UMAP").count() > 0
    said = log.read_text(encoding="utf-8")
    assert f"The explorer is at {address}" in said
    assert f"opened={address}." in said
    assert "Traceback" not in said
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(address)
