"""Rules of the repository as a whole: what is pinned, what is named, and that every word and every damage has its place."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import camelopard
from camelopard.stress.damages import catalogue

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS = ("src", "tests", "bench", "docs", "changes", "requirements", ".ci")
PLAIN = {".py", ".md", ".toml", ".txt", ".in", ".html", ".css", ".json", ""}
# One letter of each name stands in brackets, so that this file does not match itself.
FOREIGN = re.compile(r"py[p]i\.org|python[h]osted\.|(?<![\w.])/(?:[h]ome|[r]oot|[U]sers|[w]ork)/\w|--(?:extra-)?[i]ndex-url \S*://")
DESIGN_WORDS = (
    *("batch", "prediction", "damage", "attack", "stress report", "assumption", "contract", "evidence", "score", "risk", "confidence"),
    *("fooled", "reason", "repair", "verdict", "finding", "problem", "snapshot / run"),
)


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in requirements}


def wanted(name: str) -> set[str]:
    lines = (ROOT / "requirements" / f"{name}.in").read_text(encoding="utf-8").splitlines()
    return names([line for line in lines if line and not line.startswith(("#", "-"))])


def pinned(name: str) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8"), re.M)
    return {canonicalize_name(package): version for package, version in found}


def files() -> list[Path]:
    inside = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if not path.parent.match("*.egg-info")]
    plain = [path for path in (*inside, *ROOT.iterdir()) if path.suffix in PLAIN and not path.name.startswith(".coverage")]
    return [path for path in plain if path.is_file()]


def test_no_file_names_a_package_host_or_a_path_of_one_machine() -> None:
    found = [(str(path.relative_to(ROOT)), hit[0]) for path in files() if (hit := FOREIGN.search(path.read_text(encoding="utf-8")))]
    assert found == []


@pytest.mark.parametrize("text", ["see py" + "pi.org/x", "cd /wo" + "rk/main", '"/ho' + 'me/me/data.csv"'])
def test_that_rule_sees_what_it_is_for(text: str) -> None:
    assert FOREIGN.search(text)
    assert not FOREIGN.search("https://example.com/home/page and a/work/b")


def test_everything_needed_is_pinned_at_a_version_that_fits() -> None:
    needed = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
    runtime, dev = pinned("runtime"), pinned("dev")
    assert wanted("runtime") == {canonicalize_name(r.name) for r in needed} | {"setuptools", "wheel"}
    assert wanted("runtime") <= set(runtime)
    assert wanted("dev") <= set(dev)
    for requirement in needed:
        assert requirement.specifier.contains(runtime[canonicalize_name(requirement.name)]), requirement
    assert {name: version for name, version in dev.items() if runtime.get(name, version) != version} == {}


def test_the_demo_needs_no_framework_that_its_user_did_not_ask_for() -> None:
    heavy = re.compile(r"nvidia|torch|xgboost|polars|matplotlib")
    assert [name for name in pinned("runtime") if heavy.search(name)] == []
    assert [name for name in pinned("dev") if re.search(r"nvidia|torch", name)] == []


def test_type_checkers_are_told_the_names_that_are_loaded_when_first_used() -> None:
    tree = ast.parse((ROOT / "src" / "camelopard" / "__init__.py").read_text(encoding="utf-8"))
    told = {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert told == {**camelopard.HOME, "stress": "camelopard.stress.study"}


def test_every_word_of_the_design_is_in_the_glossary() -> None:
    words = re.findall(r"^\| ([a-z][^|]*?) \|", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"), re.M)
    assert set(DESIGN_WORDS) - set(words) == set()


def test_every_damage_is_named_in_a_test() -> None:
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "stress").rglob("*.py"))
    assert [kind for kind in catalogue() if f'"{kind}"' not in tests] == []


def test_what_is_not_released_has_a_fragment() -> None:
    fragments = [path for path in (ROOT / "changes").glob("*.md") if path.name != "README.md"]
    assert fragments or f"camelopard {camelopard.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert [kind["directory"] for kind in PROJECT["tool"]["towncrier"]["type"]] == ["added", "changed", "fixed", "removed"]


def test_every_target_of_the_makefile_is_explained_and_the_check_script_runs_both() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.M)
    assert targets
    assert set(targets[1].split()) == set(re.findall(r"^([a-z-]+):.*## ", makefile, re.M))
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    assert re.findall(r"^make ([\w-]+)$", script.read_text(encoding="utf-8"), re.M) == ["check", "test-torch", "test-browser", "test"]


def test_what_is_shipped_is_credited() -> None:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert set(PROJECT["project"]["license-files"]) == {"LICENSE", "NOTICE"}
    for path in (ROOT / "src" / "camelopard").rglob("*.parquet"):
        assert path.relative_to(ROOT).as_posix() in notice, path


def test_every_package_has_a_folder_of_tests() -> None:
    packages = {path.parent.name for path in (ROOT / "src" / "camelopard").glob("*/__init__.py")}
    tested = {path.parent.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").glob("*/**/test_*.py")}
    assert packages - tested == {"testing"}  # suites: each is run by the tests of what it is a suite for
    assert tested - packages == {"project", "torch", "browser"}  # what needs PyTorch or a browser, which not everybody has
