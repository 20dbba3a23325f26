"""`camelopard models`: the inventory, a model's checklist, its contract and its versions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias, cast

import typer

from camelopard.cli.facts import Facts, Json, Place, as_json, day, itself, now, opened, told

if TYPE_CHECKING:
    from camelopard.firewall.contract import Contract
    from camelopard.server.home import Home
    from camelopard.store.inventory import State, Tier
    from camelopard.store.listing import Sort
    from camelopard.store.versions import Version

Name: TypeAlias = Annotated[str, typer.Argument(help="Its name.")]
Number: TypeAlias = Annotated[int, typer.Argument(help="The number of a version.", min=1)]
FOUND = 10  # findings that are shown
RATED = "From 1 (little) to 5 (much)."

app = typer.Typer(no_args_is_help=True, help="The inventory: models, their production checklist, their contracts and versions.")


@app.command("list")
def list_models(
    words: Annotated[str, typer.Option("--words", help="Only models with these words in name, owner or purpose.")] = "",
    state: Annotated[str | None, typer.Option("--state", help="Only models in this state: draft, shadow, guarding, retired.")] = None,
    tier: Annotated[str | None, typer.Option("--tier", help="Only models with so much at stake: low, medium, high, critical.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Only models of this owner.")] = None,
    sort: Annotated[str, typer.Option("--sort", help="name, owner, state, tier, changed, traffic, not passed, accuracy or questions.")] = "name",
    descending: Annotated[bool, typer.Option("--descending", help="The largest first.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many to show.")] = 50,
    after: Annotated[str | None, typer.Option("--after", help="Go on where a page ended: what it said on its last line.")] = None,
    home: Place = None,
    facts: Facts = None,
    json: Json = False,
) -> None:
    """List models."""
    from camelopard.report.wording import percent
    from camelopard.store import listing

    asked = cast("tuple[State | None, Tier | None, Sort]", (state, tier, sort))  # checked there
    with opened(home, facts) as database:
        page = listing.page(
            database, words=words, state=asked[0], tier=asked[1], owner=owner, sort=asked[2], descending=descending, after=after, size=limit
        )
    rows = [
        (
            model.name,
            model.state,
            model.tier,
            f"{live.traffic:,}" if live.measured_at else "–",
            "–" if live.not_passed is None else percent(live.not_passed),
            "–" if live.accuracy is None else percent(live.accuracy),
            f"{live.questions:,}" if live.measured_at else "–",
            model.owner,
        )
        for model, live in page.models
    ]
    heads = ("model", "state", "at stake", "rows, last day", "not passed", "right, estimated", "open questions", "owner")
    told(json, heads, rows, [{**vars(model), "tier": model.tier, "live": vars(live), "next": page.next} for model, live in page.models])
    if page.next and not json:
        print(f"There are more: --after {page.next}")


@app.command("show")
def show(name: Name, home: Place = None, facts: Facts = None, json: Json = False) -> None:
    """Show a model: its facts, its production checklist, and what was measured of the version in force."""
    from camelopard.server.management import checklist, dossier, measured

    with _at(home, facts) as there:
        known = dossier.facts(there, name, now())
    model, version, items = known.model, known.version, checklist.items(known)
    evidence = {} if version is None else version.evidence
    worst = measured.findings(evidence)
    if json:
        facts_told = {**vars(model), "tier": model.tier, "live": vars(known.live)}
        listed = [{**vars(item), "proof": None if item.proof is None else vars(item.proof)} for item in items]
        force = None if version is None else _plain(version)
        as_json({"model": facts_told, "version": force, "checklist": listed, "findings": [vars(one) for one in worst]})
        return
    serving = "no version in force" if version is None else f"version {version.number} in force"
    print(f"{model.name}: {model.state}, {model.tier} stakes ({model.exposure} × {model.consequence}), {serving}")
    print(f"Owner: {model.owner}. {model.purpose}")
    print(f"\nProduction checklist: {checklist.done(items)} of {len(items)} are shown to be done.")
    for item in items:
        sign = {"done": "[x]", "open": "[ ]", "unknown": "[–]"}[item.standing]
        print(f"  {sign} {item.name}: {item.words}{f' ({item.link})' if item.link else ''}")
    if found := measured.kinds(evidence)[:5]:
        print("\nWhat fools it most: " + "; ".join(f"{kind.name} ({kind.share} of {kind.rows})" for kind in found) + ".")
    if worst:
        print("\nThe worst that was found, of each kind the worst:")
    for one in worst[:FOUND]:
        print(f"  {one.level:>6}  {one.words}{f' And {one.others:,} more of this kind.' if one.others else ''}")
    if figures := measured.figures(evidence):
        print("\nMeasured on rows that took no part in learning:")
    for figure in figures:
        print(f"  {figure.name}: {figure.told}{f' ({figure.between})' if figure.between else ''}")


@app.command("add")
def add(
    name: Name,
    owner: Annotated[str, typer.Option("--owner", help="Who answers for it.")],
    exposure: Annotated[int, typer.Option("--exposure", help=f"How many it reaches, how directly. {RATED}")],
    consequence: Annotated[int, typer.Option("--consequence", help=f"How bad a wrong answer is for them. {RATED}")],
    purpose: Annotated[str, typer.Option("--purpose", help="What it is for.")] = "",
    home: Place = None,
    facts: Facts = None,
) -> None:
    """Add a model as a draft; it need not be served."""
    from camelopard.store import inventory

    with opened(home, facts) as database, database.change(itself(), now()) as change:
        made = inventory.add(change, name, owner=owner, purpose=purpose, exposure=exposure, consequence=consequence)
    print(f"{made.name} is in the inventory, as a draft with {made.tier} stakes.")


@app.command("edit")
def edit(
    name: Name,
    owner: Annotated[str | None, typer.Option("--owner", help="Who answers for it.")] = None,
    purpose: Annotated[str | None, typer.Option("--purpose", help="What it is for.")] = None,
    exposure: Annotated[int | None, typer.Option("--exposure", help=f"How many it reaches, how directly. {RATED}")] = None,
    consequence: Annotated[int | None, typer.Option("--consequence", help=f"How bad a wrong answer is for them. {RATED}")] = None,
    home: Place = None,
    facts: Facts = None,
) -> None:
    """Change what is written down of a model; what is not given stays."""
    from camelopard.store import inventory

    with opened(home, facts) as database, database.change(itself(), now()) as change:
        found = inventory.edit(change, name, owner=owner, purpose=purpose, exposure=exposure, consequence=consequence)
    print(f"{found.name}: owner {found.owner}, {found.tier} stakes. {found.purpose}")


@app.command("state")
def state(name: Name, state: Annotated[str, typer.Argument(help="draft, shadow or retired.")], home: Place = None, facts: Facts = None) -> None:
    """Move a model on in its life, or back. Into guarding and out of it is for approvers, on the pages."""
    from camelopard.store import inventory

    with opened(home, facts) as database, database.change(itself(), now()) as change:
        found = inventory.set_state(change, name, state)  # type: ignore[arg-type]  # checked there
    print(f"{found.name} is {found.state} now.")


@app.command("approve")
def approve(name: Name, version: Number, home: Place = None, facts: Facts = None) -> None:
    """Say how a version is approved: that is for people, and not for whoever is on the machine."""
    from camelopard.store import versions
    from camelopard.store.errors import NotAllowed

    with opened(home, facts) as database:
        found = versions.get(database, name, version)
    if found.approved_by is not None:
        print(f"{name}: version {version} was approved by {found.approved_by} on {day(found.approved_at or found.made_at)}.")
        return
    raise NotAllowed(
        f"approving is for people: somebody with the role approver, other than {found.made_by}, signs in and approves version {version} of {name} on "
        "its page, or sends their token to /api."
    )


@app.command("versions")
def list_versions(
    name: Name,
    before: Annotated[int | None, typer.Option("--before", help="Only versions with smaller numbers.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many to show, the newest first.")] = 20,
    home: Place = None,
    facts: Facts = None,
    json: Json = False,
) -> None:
    """List the versions of a model, the newest first."""
    from camelopard.store import inventory, versions

    with opened(home, facts) as database:
        force = inventory.get(database, name).version
        found = versions.of(database, name, before=before, size=limit)
    rows = [
        (
            f"{one.number}{' (in force)' if one.number == force else ''}",
            f"{day(one.made_at)} by {one.made_by}",
            "not yet" if one.approved_at is None else f"{day(one.approved_at)} by {one.approved_by}",
            one.note,
            one.firewall[:12],
        )
        for one in found
    ]
    told(json, ("version", "made", "approved", "why", "content"), rows, [{**_plain(one), "in_force": one.number == force} for one in found])


@app.command("force")
def force(name: Name, version: Number, home: Place = None, facts: Facts = None) -> None:
    """Put a version in force. A gateway that serves the model serves it within a minute; of a model that guards, this is for approvers."""
    from camelopard.server.management import enrolment

    with _at(home, facts) as there:
        enrolment.put_in_force(there, itself(), name, version, now())
    print(f"Version {version} of {name} is in force. A gateway that serves {name} takes it up within a minute.")


@app.command("contract")
def contract(
    name: Name,
    version: Annotated[int | None, typer.Option("--version", min=1, help="Of this version; by default of the one in force.")] = None,
    edited: Annotated[Path | None, typer.Option("--edited", help="A contract that was edited: make a version of it.")] = None,
    note: Annotated[str, typer.Option("--note", help="With --edited: why it changes.")] = "",
    home: Place = None,
    facts: Facts = None,
) -> None:
    """Print the contract as TOML; or make a new version with an edited one, which needs the home's folder."""
    from camelopard.server.management import amending, dossier

    with _at(home, facts) as there:
        before = dossier.chosen(there, name, version)
        if edited is None:
            print(before.contract, end="")
            return
        made = amending.amended(there, itself(), before, _read(edited), note, now())
    print(f"Version {made.number} of {name} has that contract. It is not in force yet: camelopard models force {name!r} {made.number}")


@app.command("compare")
def compare(name: Name, before: Number, after: Number, home: Place = None, facts: Facts = None, json: Json = False) -> None:
    """Say what differs between two versions: rules, settings, and figures with whether their intervals overlap."""
    from camelopard.server.management import comparing
    from camelopard.store import versions

    with opened(home, facts) as database:
        found = comparing.compared(versions.get(database, name, before), versions.get(database, name, after))
    if json:
        as_json(found.plain())
        return
    for sign, rules in (("+", found.added), ("−", found.removed)):
        for rule in rules:
            print(f"{sign} {rule}")
    for one in found.altered:
        print(f"− {one.before}\n+ {one.after}")
    if not found.contract_differs:
        print("The rules are the same.")
    for what, was, will in found.settings:
        print(f"{what}: {was} → {will}")
    for pair in () if found.same_measured else found.figures:
        was, will = (
            "–" if figure is None else f"{figure.told} ({figure.between})" if figure.between else figure.told for figure in (pair.before, pair.after)
        )
        print(f"{pair.name}: {was} → {will}{'' if pair.overlap is not False else ', intervals apart'}")


@app.command("attach")
def attach(
    name: Name,
    item: Annotated[str, typer.Argument(help="Of the checklist, such as fairness.")],
    link: Annotated[str, typer.Argument(help="Where it is shown: https://…")],
    said: Annotated[str, typer.Argument(help="What it shows, in a sentence.")],
    home: Place = None,
    facts: Facts = None,
) -> None:
    """Attach what shows that an item of the checklist is done, where that cannot be measured."""
    from camelopard.server.management.checklist import attachable
    from camelopard.store import proofs

    with opened(home, facts) as database, database.change(itself(), now()) as change:
        made = proofs.attach(change, name, item=attachable(item), link=link, said=said)
    print(f"Attached to {name} as number {made.number}.")


@app.command("withdraw")
def withdraw(name: Name, number: Annotated[int, typer.Argument(min=1, help="What attach printed.")], home: Place = None, facts: Facts = None) -> None:
    """Withdraw what was attached."""
    from camelopard.store import proofs

    with opened(home, facts) as database, database.change(itself(), now()) as change:
        found = proofs.withdraw(change, name, number)
    print(f"{found.item}: withdrawn.")


@contextmanager
def _at(home: Path | None, facts: str | None) -> Iterator[Home]:
    """Yield the memory of a gateway, without what is served."""
    from camelopard.server.home import FIREWALLS, Home

    with opened(home, facts) as database:
        yield Home(database, (home or Path("of no server")) / FIREWALLS, None)


def _read(edited: Path) -> Contract:
    from camelopard.firewall.contract import Contract

    return Contract.load(edited)


def _plain(version: Version) -> dict[str, object]:
    return {key: value for key, value in vars(version).items() if key not in ("contract", "evidence")}
