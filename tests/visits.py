"""Visits to the app through Streamlit's test client, which the tests of the pages share."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[1]


def visit(page: str, **query: str) -> AppTest:
    """The app as it stands after a visit by this link; `from_` is the link's `from`."""
    app = AppTest.from_file(str(ROOT / "app" / "explorer.py"), default_timeout=120)
    app = app.switch_page(f"views/{page}/{page}.py")
    for key, value in query.items():
        app.query_params[key.removesuffix("_")] = value
    return whole(app.run())


def whole(app: AppTest) -> AppTest:
    """The app, where no script has failed."""
    assert not app.exception, [e.message for e in app.exception]
    return app


def sane(app: AppTest) -> AppTest:
    """The app, where no page says that something is wrong, either."""
    assert not whole(app).error, [e.value for e in app.error]
    return app


def url(app: AppTest) -> dict[str, str]:
    """The query string; the test client gives lists for some values."""
    given = dict(app.query_params)
    return {key: value if isinstance(value, str) else value[-1] for key, value in given.items()}


def words(app: AppTest) -> str:
    """All prose of the page."""
    return "\n".join(element.value for element in [*app.main.markdown, *app.main.caption])
