"""key=value, presets and the direction of imports.   python -m pytest tests/test_config.py"""

import ast
import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from ali_core.__main__ import main
from ali_core.config import PRESETS, Config, check, parse, says
from ali_core.problem import Problem

ROOT = Path(__file__).parents[1]


def test_later_words_win_and_types_are_the_fields():
    config = parse(["preset=fashion-alice", "steps=1_000", "lr=1e-3", "compile=true"])
    assert (config.member, config.steps, config.lr, config.compile) == ("alice", 1000, 1e-3, True)
    assert config.name == "fashion-alice" and config.weights == {}
    assert parse(["weights.reconstruction=2", "member=alice"]).weights == {"reconstruction": 2.0}


def test_a_run_without_a_name_is_called_after_its_data_and_member():
    assert parse(["data=pictures/my birds/", "member=ali"]).name == "my birds-ali"
    assert parse(["data=sets/cups.npz"]).name == "cups-ali"
    assert parse(["data=hf:zoo/animals"]).name == "animals-ali"


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_config_within_bounds(name):
    assert check(parse([f"preset={name}"])).name == name


@pytest.mark.parametrize(
    "change",
    [
        {"batch": 1},
        {"size": 30},
        {"ema": 1.0},
        {"precision": "fp16"},
        {"seed": -1},
        {"channels": 2},
    ],
)
def test_a_value_outside_its_bounds_names_the_field(change):
    with pytest.raises(Problem, match=next(iter(change))):
        check(Config(**{"name": "a"} | change))


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a:b"])
def test_a_name_that_leaves_the_folder_is_refused(name):
    with pytest.raises(Problem, match="name="):
        check(Config(name=name))


def imports(path):
    """Modules imported at a file's top level."""
    modules = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules.add(node.module.split(".")[0])
    return modules


def anywhere(path):
    """Modules imported anywhere in a file."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    modules = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules.add(node.module.split(".")[0])
    return modules


CORE = ("data", "nets", "family", "training", "models", "measure", "maps", "lab", "hub", "notebook", "commands")
APP = ("components", "bridge", "shared", "views", "server", "service")


def folders(path, package):
    """The folders of `package` that a file imports from anywhere in it; "" for modules at its top."""
    reached = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            modules = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for parts in (module.split(".") for module in modules):
            if parts[0] == package:
                inside = parts[1] if len(parts) > 1 else ""
                reached.add(inside if (ROOT / package / inside).is_dir() else "")
    return reached


def test_imports_point_one_way():
    """data -> nets -> … -> lab, commands on top; components, bridge -> shared -> a page; only the bridge asks the core."""
    core, app = list((ROOT / "ali_core").rglob("*.py")), list((ROOT / "app").rglob("*.py"))
    assert len(core) > 40 and len(app) > 40
    for path in core:
        inside = path.relative_to(ROOT / "ali_core").parts
        if len(inside) > 1:
            below = set(CORE[: CORE.index(inside[0]) + 1]) - ({"maps"} if inside[0] == "lab" else set())
            assert folders(path, "ali_core") <= below | {""}, path
        elif inside[0] not in ("__init__.py", "__main__.py"):
            assert folders(path, "ali_core") <= {""}, path
        assert not anywhere(path) & {"streamlit", "app", "plotly"}, path
        assert "accelerate" not in anywhere(path) or path.name == "loop.py", path
    for path in app:
        inside = path.relative_to(ROOT / "app").parts
        allowed = {
            "components": {"components"},
            "bridge": {"bridge"},
            "shared": {"components", "bridge", "shared"},
            "publish": {"components", "bridge", "shared", "views", "publish"},
        }.get(inside[0], set(APP))
        assert folders(path, "app") <= allowed | ({""} if len(inside) == 1 else set()), path
        assert inside[0] == "bridge" or not anywhere(path) & {"ali_core", "torch"}, path
        if inside[0] == "views":  # a page's helpers are its own
            others = {p.name for p in (ROOT / "app/views").iterdir()} - {inside[1]}
            text = path.read_text(encoding="utf-8")
            assert not [page for page in others if f"app.views.{page} " in text], path
    for path in core + app:
        assert not anywhere(path) & {"pickle", "torchvision"}, path
        assert not imports(path) & {"umap", "sklearn"} or path.name == "layout.py", path


def test_reading_a_card_and_a_map_needs_no_torch():
    code = (
        "import sys, ali_core.models.checkpoint, ali_core.maps.atlas, ali_core.data.pictures, ali_core.models.latent;"
        "print({'torch', 'umap', 'sklearn', 'accelerate', 'streamlit'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "set()", done.stderr


def test_compile_and_r1_are_refused_before_anything_is_loaded():
    """torch.compile has no gradient of a gradient, which r1 asks for at the first step."""
    for words in (["compile=true"], ["r1=0.1"]):
        check(parse(words))
    with pytest.raises(Problem, match="compile=true and r1 do not go together"):
        check(parse(["compile=true", "r1=0.1"]))


def test_help_has_a_sentence_for_every_field(capsys):
    """It is the comment beside the field's declaration, and nowhere else."""
    fields = [field.name for field in dataclasses.fields(Config)]
    assert list(says()) == fields
    assert main(["train", "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for field, sentence in says().items():
        (line,) = (line for line in lines if line.startswith(f"  {field} "))
        assert line.endswith(sentence) and len(sentence) > 10
