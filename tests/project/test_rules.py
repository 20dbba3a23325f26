from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import camelopard

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src" / "camelopard").rglob("*.py"))
HEAVY = ("pandas", "sklearn", "torch", "matplotlib", "lightgbm", "xgboost", "pyarrow", "altair", "onnx", "onnxruntime", "PIL", "scipy")


def test_importing_the_package_loads_nothing_heavy() -> None:
    probe = f"import camelopard, sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_can_be_imported_and_is_documented() -> None:
    for name in camelopard.__all__:
        value = getattr(camelopard, name)
        assert name == "__version__" or value.__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        camelopard.nothing  # noqa: B018


def test_the_package_can_be_called_to_stress_whatever_was_imported_before() -> None:
    probe = "import camelopard as cp, camelopard.stress.damages; print(callable(cp.stress), callable(camelopard.stress))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_module_says_what_it_is_and_stays_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "no module docstring"
    assert text.count("\n") <= 560
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", text)


def test_no_pinned_file_names_where_packages_come_from() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert not re.search(r"https?://|file:/|--index-url|--find-links", text), path
        assert "--hash=sha256:" in text


def test_the_words_of_the_glossary_are_unique_and_sorted() -> None:
    words = re.findall(r"^\| ([a-z][^|]*?) \|", (ROOT / "docs" / "glossary.md").read_text(), re.M)[1:]
    assert len(words) == len(set(words))
    assert words == sorted(words)


def test_every_change_has_a_known_type() -> None:
    for path in (ROOT / "changes").glob("*.md"):
        assert path.name == "README.md" or re.fullmatch(r"[a-z0-9-]+\.(added|changed|fixed|removed)\.md", path.name), path.name
