"""The contract of a model: read as in the report, edited rule by rule or as TOML. Saving makes a new version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from fastapi import APIRouter
from starlette.responses import Response

from camelopard.core.errors import ArtifactError, CamelopardError, InputError
from camelopard.report import terms, wording
from camelopard.server.management import amending, dossier
from camelopard.server.management.amending import Edit, Rule, Unsound
from camelopard.server.pages import shell
from camelopard.server.pages.models import at
from camelopard.server.web.parameters import Number
from camelopard.server.web.visitor import Form, Sent, SignedIn, Visitor
from camelopard.store import inventory, versions
from camelopard.store.errors import StoreError
from camelopard.store.versions import Version

router = APIRouter(prefix="/models/{name}/contract", include_in_schema=False)

MOST_RULES = 300  # that a form shows; whoever has more edits the text


@router.get("")
def contract(by: SignedIn, name: str, version: Number | None = None) -> Response:
    """Return the contract for people to read: of the version in force, or of another one."""
    by.must("see models")
    found = dossier.chosen(by.home, name, version)
    unreadable, document = "", {}
    try:
        document = {"assumptions": [asdict(a) for a in amending.contract_of(found)]}
    except ArtifactError as error:
        unreadable = str(error)
    values = {**_about(by, found), "contract": terms.contract(document), "ignored": terms.ignored(document), "unreadable": unreadable}
    return shell.page(by, "contract.html", values)


@router.get("/edit")
def editing(by: SignedIn, name: str, version: Number | None = None, as_text: bool = False) -> Response:
    """Return the form in which it is edited."""
    by.must("change models")
    return _form(by, dossier.chosen(by.home, name, version), as_text)


@router.post("/edit")
def edit(form: Sent, name: str) -> Response:
    """Make a version with the contract as it was edited."""
    form.by.must("change models")
    before = dossier.chosen(form.by.home, name, form.whole("version"))
    text, note = form.secret("toml"), form.text("note")
    as_text = bool(form.text("as_text"))
    edits = {} if as_text else _edits(form)
    try:
        contract = amending.parsed(text) if as_text else amending.edited(amending.contract_of(before), edits)
        made = amending.amended(form.by.home, form.by.who, before, contract, note, form.by.now)
    except Unsound as error:
        return _form(form.by, before, as_text, text, note, edits, by_rule=error.why)
    except ArtifactError as error:
        return _form(form.by, before, as_text, text, note, edits, in_text=str(error))
    except (InputError, StoreError) as error:
        return _form(form.by, before, as_text, text, note, edits, wrong=str(error))
    return shell.to(f"{at(name, 'versions', made.number)}?made=true")


def _edits(form: Form) -> dict[int, Edit]:
    """Return what was typed about each rule that the form showed."""
    found = {}
    for word in form.texts("rule")[:MOST_RULES]:
        if word.isascii() and word.isdigit() and len(word) < 7:
            low, high = (form.text(f"{end}-{word}") if f"{end}-{word}" in form.fields else None for end in ("low", "high"))
            found[int(word)] = Edit(bool(form.text(f"muted-{word}")), low, high)
    return found


def _form(
    by: Visitor,
    version: Version,
    as_text: bool,
    text: str = "",
    note: str = "",
    edits: Mapping[int, Edit] | None = None,
    by_rule: Mapping[int, str] | None = None,
    in_text: str = "",
    wrong: str = "",
) -> Response:
    """Return the form, with what was typed into it and what is wrong with that."""
    try:
        shown = amending.rules(amending.contract_of(version))
    except CamelopardError as error:
        shown, as_text, in_text = [], True, in_text or str(error)
    most = [_typed(rule, (edits or {}).get(rule.place)) for rule in shown[:MOST_RULES]]
    columns: dict[str, list[Rule]] = {}
    for rule in most:
        columns.setdefault(rule.column, []).append(rule)
    values = {
        **_about(by, version),
        "columns": columns,
        "left_out": len(shown) - len(most),
        "as_text": as_text,
        "text": text or version.contract,
        "note": note,
        "by_rule": dict(by_rule or {}),
        "in_text": in_text,
        "wrong": wrong or ("Some limits cannot be as they were typed. Nothing was saved yet; look below." if by_rule else ""),
        "kept": by.home.kept(version.firewall) is not None,
    }
    return shell.page(by, "contract_edit.html", values, 400 if wrong or by_rule or in_text else 200)


def _typed(rule: Rule, edit: Edit | None) -> Rule:
    """Return a rule with what was typed in place of what it holds."""
    if edit is None:
        return rule
    low, high = (rule.low if edit.low is None else edit.low, rule.high if edit.high is None else edit.high)
    return Rule(rule.place, rule.column, rule.statement, edit.muted, low, high)


def _about(by: Visitor, version: Version) -> dict[str, object]:
    model = inventory.get(by.home.database, version.model)
    newest = versions.of(by.home.database, version.model, size=1)[0].number
    return {"model": model, "this": version, "newest": newest, "may_change": by.may("change models"), "at": at, "percent": wording.percent}
