"""A fitted firewall in words: what it stands in front of, what it promises, how good it was measured to be, what it expects."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from camelopard.confidence.conformal import SURE, fewest
from camelopard.core.digits import figure as digits
from camelopard.firewall.policy import Policy
from camelopard.firewall.uncertainty import sentences
from camelopard.firewall.underfit import sentence
from camelopard.report.certainty import digest
from camelopard.report.defence import is_silent

TOLD_FROM = 0.0005  # share of rows: less would be printed as none


def summary(about: Mapping[str, Any]) -> str:
    """Return `Firewall.describe()` as text for people."""
    return (
        "\n".join(
            [
                *_head(about),
                "",
                *_promise(about),
                "",
                *quality(about["measured"], _within(about), about["policy"]),
                *sentences(about.get("uncertainty")),
                "",
                *_contract(about["contract"]),
            ]
        ).rstrip()
        + "\n"
    )


def percent(value: float | None) -> str:
    """Return a share as a person writes it.

    >>> percent(0.9312), percent(0.0004), percent(None)
    ('93.1 %', '0.04 %', 'unknown')
    """
    if value is None or value != value:
        return "unknown"
    return f"{value * 100:.1f} %" if abs(value) >= 0.001 or value == 0 else f"{value * 100:.2g} %"


def _head(about: Mapping[str, Any]) -> list[str]:
    model, rows = about["model"], about["rows"]
    if model is None:
        return [f"A firewall without a model, learned from {rows['taught']:,} rows: it knows what is odd, not what fools."]
    lines = [
        f"The firewall of {model['name']!r} ({model['task']}), learned from {rows['taught']:,} rows and calibrated on {rows['calibrated']:,} others."
    ]
    if "encoder" in model:
        lines.append(f"How far a text lies from clean ones is measured in the {model['encoder']['numbers']} numbers of {model['encoder']['name']!r}.")
    if not about["labelled"]:
        lines.append("No labels were given: risk is learned all the same, confidence is not checked against labels.")
    if about.get("note"):
        lines.append(f"Note: {about['note']}.")
    return lines


def _promise(about: Mapping[str, Any]) -> list[str]:
    threshold = about["threshold"]
    lines = [f"Before all: {sentence(about['plain_model'])}"] if about.get("plain_model", {}).get("low", 0.0) > 0 else []
    if about.get("little_learned"):
        lines.append(f"Before all: {about['little_learned']['told']}")
    policy = about["policy"]
    by_costs = policy.get("costs") is not None
    what = "raise an alarm" if by_costs else "are stopped"
    if threshold["alarms_possible"]:
        few, more = "", ""
        if threshold["on_average"]:
            few, more = " on average over such fits", f"; {fewest(threshold['alpha']):,} would make it {SURE:.2f}"
        lines.append(
            f"Promise: of clean rows like those it was fitted on, at most {percent(threshold['alpha'])} {what}{few} "
            f"({'this fit keeps to it' if few else 'holds'} with probability {math.floor(100 * threshold['confidence']) / 100:.2f}, "
            f"from {threshold['rows']:,} calibration rows{more})."
        )
    else:
        lines.append(
            f"Alarms: none. {threshold['rows']} calibration rows are too few to promise at most {percent(about['alpha'])} false alarms; "
            "give more rows to fit, or a larger alpha."
        )
    if by_costs:
        lines.append("Routes are decided by costs, not by alarms: more or fewer clean rows may be stopped than that.")
    elif threshold["risk"] is not None:
        repaired = " where no repair can be trusted" if policy["repair"] else ""
        lines.append(
            f"A row is stopped from a risk of {max(threshold['risk'], policy['review'] or 0.0):.2g}; refused from {policy['block']:.2g}{repaired}."
        )
    lines.extend(Policy.from_state(policy).words())
    if about.get("traffic"):
        found = about["traffic"]
        lines.append(
            f"Risk and confidence are probabilities for traffic like the {found['rows']:,} rows it was recalibrated on: "
            f"about {percent(found['fooled'])} of them fool the model ({percent(found['low'])} to {percent(found['high'])})."
        )
    elif about.get("mix"):
        lines.append(f"Risk and confidence are probabilities for this traffic: {about['mix']}.")
    return lines


def _within(about: Mapping[str, Any]) -> float | None:
    return about["tolerance"] if about["model"] is not None and about["model"]["task"] == "regression" else None


def quality(measured: Mapping[str, Any], within: float | None = None, policy: Mapping[str, Any] | None = None) -> list[str]:
    """Return what was measured of a firewall, as lines of a table.

    `within`: how far a number may be from the truth and still be right. `policy`: the one in force, where that may not be the one that was measured.
    """
    if not measured:
        return ["Quality: not measured, there is no model to fool."]

    def line(name: str, key: str) -> list[str]:
        found = measured.get(key)
        if found is None or is_silent(key, found) or found["value"] != found["value"]:
            return []
        return [f"  {name:<58} {found['value']:.3f}  ({found['low']:.3f}–{found['high']:.3f})"]

    def calibration(name: str) -> list[str]:
        errors = {"calibration error": measured.get(f"ece_{name}"), "Brier score": measured.get(f"brier_{name}")}
        return [f"  {f'{what} of {name}':<58} {value:.3f}" for what, value in errors.items() if value is not None]

    rows, wrong = measured["rows"], "wrong" if within is None else f"off by more than {digits(within)}"
    alpha = measured.get("clean_stopped", {}).get("alpha")
    lines = [
        f"Measured on {rows['clean']:,} clean and {rows['damaged']:,} damaged rows that took no part in learning; "
        f"{rows['fooled']:,} of them fooled the model:",
        *line("AUROC, fooled or not: this firewall", "auroc_fooled"),
        *line("  the model's own confidence", "auroc_fooled_by_own_doubt"),
        *line("  how odd the row is", "auroc_fooled_by_oddity"),
        *line("AUROC on families of damage that it was not taught", "auroc_unseen"),
        *line("  the model's own confidence on the same rows", "auroc_unseen_by_own_doubt"),
        *line(f"AUROC, answer {wrong} or not: confidence", "auroc_wrong"),
        *line("  the model's own confidence", "auroc_wrong_by_own_doubt"),
        *line(f"share stopped of the clean rows (alpha is {alpha})", "clean_stopped"),
        *line("share stopped of the rows that fooled the model", "fooled_caught"),
        *line("share stopped of the damaged rows that did not", "harmless_flagged"),
        *line("stopped at 5 % clean alarms, of the rows that fooled it", "fooled_caught_at_5_percent"),
        *line(f"  of those that fooled and whose answer is {wrong}", "harmful_caught_at_5_percent"),
        *line("  of the damaged rows that did not", "harmless_flagged_at_5_percent"),
        *line(f"share {wrong} of the answers to repaired rows", "repaired"),
        *calibration("risk"),
        *calibration("confidence"),
    ]
    lines += digest(measured, within, policy)
    if measured.get("falls_back"):
        lines.append("On the whole the model's own confidence says more of what fools it than what was learned: risk is read from that alone.")
    kinds = sorted((k for k in measured["by_kind"].items() if k[1]["auroc"] == k[1]["auroc"]), key=lambda k: k[1]["auroc"])
    if kinds:
        lines.append("Hardest to see: " + ", ".join(f"{kind.replace('-', ' ')} ({found['auroc']:.2f})" for kind, found in kinds[:5]) + ".")
    return lines


def _contract(contract: list[Mapping[str, Any]]) -> list[str]:
    if not contract:
        return ["The contract is empty."]
    active = [a for a in contract if not a["muted"]]
    muted = [a for a in contract if a["muted"]]
    lines = ["The contract, what the model was found to rely on:"]
    of_column: dict[str, list[str]] = {}
    for a in active:
        if len(a["fields"]) == 1:
            of_column.setdefault(a["fields"][0], []).append(_said_of(a["fields"][0], a))
    lines += [f"  - {name}: {'; '.join(rules)}." for name, rules in of_column.items()]
    lines += [f"  - {_with_cost(a['statement'].removesuffix('.'), a)}." for a in active if len(a["fields"]) != 1]
    if muted:
        lines.append(f"Muted ({len(muted)}), because the model ignores it or you said so:")
        lines.extend(f"  - {a['statement']}" for a in muted[:20])
    return lines


def _said_of(name: str, rule: Mapping[str, Any]) -> str:
    """Return what a rule says of its only column, whose name stands before it.

    >>> _said_of("age", {"statement": "age is never missing.", "cost": 0.12})
    'never missing (broken, 12.0 % of rows fool the model)'
    >>> _said_of("age", {"statement": "The column age is there.", "cost": None})
    'there'
    """
    said = rule["statement"].removesuffix(".").removeprefix("The column ").removeprefix(f"{name} ")
    return _with_cost(said.removeprefix("is ") if said in ("is there", "is never missing") else said, rule)


def _with_cost(said: str, rule: Mapping[str, Any]) -> str:
    cost = rule["cost"]
    return said if cost is None or not cost >= TOLD_FROM else f"{said} (broken, {percent(cost)} of rows fool the model)"
