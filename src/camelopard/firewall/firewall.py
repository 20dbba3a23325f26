"""The firewall: fit it to a model, screen what comes in. A screening is: read, contract, predict, evidence, risk, route."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from camelopard.confidence.acceptance import Accepted
from camelopard.core import codec
from camelopard.core.batch import Batch, Form
from camelopard.core.errors import ArtifactError, CamelopardError, ModelError, NotFitted, told
from camelopard.core.labels import checked_labels, with_labels
from camelopard.core.protocols import Model, Progress, silent, wrapped
from camelopard.core.records import Prediction, Reason
from camelopard.core.schema import Column, Schema
from camelopard.evidence.reading import MISSING
from camelopard.firewall.contract import Contract
from camelopard.firewall.gauge import check_measurable, kinds_of
from camelopard.firewall.guard import Guard
from camelopard.firewall.incoming import read
from camelopard.firewall.learned import Learned, Live
from camelopard.firewall.likeness import Likeness, recognised
from camelopard.firewall.overrides import check_columns
from camelopard.firewall.panel import Examination
from camelopard.firewall.policy import Policy
from camelopard.firewall.screening import judged
from camelopard.firewall.verdicts import NO_MODEL, Verdicts, joined, refused
from camelopard.modality.picture_files import unpacked_sizes
from camelopard.models.sizes import portions
from camelopard.stress.budget import parse
from camelopard.stress.remade import Lately

if TYPE_CHECKING:
    from camelopard.firewall.estimation import Backtest, Estimate
    from camelopard.firewall.evaluation import Quality

FEWEST_LIVE = 100  # rows to know live traffic by
CELLS = 2**19  # screened at once: memory stays bounded, whatever comes


class NoAlarmsWarning(UserWarning):
    """A fitted firewall that can stop no row: too few rows calibrate it for its alpha."""


class Firewall:
    """Learns what fools one model, and judges every row by it.

    Parameters
    ----------
    alpha
        Share of clean rows that may be stopped because of risk, 0–1.
    policy
        Which risk, or which costs, lead to which route.
    budget
        What fitting may cost: rows asked of the model, seconds as "60s", or None for the default.
    seed
        Seed of everything random in fitting. The same inputs give the same firewall.
    uncertainty
        Kinds of uncertainty to try as evidence for confidence, kept where they surely help: "ensemble", "noise", "squeezed" (pictures), "auto" for
        all; None: no kind.
    """

    def __init__(
        self, alpha: float = 0.01, policy: Policy | None = None, budget: int | str | None = None, seed: int = 0, uncertainty: str | None = None
    ) -> None:
        if not (isinstance(alpha, (int, float)) and 0 < alpha < 1):
            raise CamelopardError(f"Firewall(alpha={alpha!r}): expected a share between 0 and 1, such as 0.01.")
        parse(budget)
        if type(seed) is not int or seed < 0:
            raise CamelopardError(f"Firewall(seed={seed!r}): expected a whole number from 0.")
        if policy is not None and not isinstance(policy, Policy):
            raise CamelopardError(f"Firewall(policy={policy!r}): expected a camelopard.Policy.")
        kinds_of(uncertainty)
        self.uncertainty = uncertainty
        self.alpha, self.policy, self.budget, self.seed = alpha, policy if policy is not None else Policy(), budget, seed

    # --- learning -------------------------------------------------------------------------------------------------------------------

    def fit(self, model: Model | None, X: Any, y: Any = None, reference: Any = None, *, progress: Progress = silent) -> Firewall:
        """Stress the model and learn what fools it.

        Parameters
        ----------
        model
            A wrapped model (`camelopard.wrap`), or None to learn from data alone.
        X, y
            Rows the model was not trained on, and their labels where there are any.
        reference
            Training rows, for the contract and the distances; `X` itself where they are not given.
        progress
            Told how far the work has come.

        Returns
        -------
        Firewall
            Itself, with `schema_`, `contract`, `report_` (the stress report) and `learned_`.
        """
        from camelopard.firewall.learn import no_alarms
        from camelopard.firewall.training import train

        if any(override.column is not None for override in self.policy.overrides):  # better before long work than after it
            check_columns(self.policy.overrides, Batch.of(X).names)
        trained = train(
            model,
            X,
            y,
            reference,
            alpha=self.alpha,
            budget=self.budget,
            seed=self.seed,
            progress=progress,
            uncertainty=self.uncertainty,
            policy=self.policy,
        )
        self.model_, self.schema_, self.learned_, self.report_ = model, trained.schema, trained.learned, trained.report
        self.about_, self.contract_ = dict(trained.about), Contract(trained.report.assumptions)
        self.likeness_ = trained.likeness
        if not np.isfinite(trained.learned.threshold.value) and (model is None or self.policy.costs is None):
            told = no_alarms(
                trained.learned.threshold, alone=model is None and reference is not None, budget=model is not None and self.budget is not None
            )
            warnings.warn(told, NoAlarmsWarning, stacklevel=2)
        return self

    # --- screening ------------------------------------------------------------------------------------------------------------------

    def screen(self, X: Any, *, problems: Mapping[int, str] | None = None) -> Verdicts:
        """Judge rows of any form. Bad input never raises: what cannot be read is blocked, with its reason.

        `problems` names rows (by position) that could not be read whole, and why; they are blocked.
        """
        self._check_fitted()
        if self.model_ is None and self.about_["model"] is not None:
            raise CamelopardError(
                f"this firewall was fitted to the model {self.about_['model']['name']!r} and needs it. Load it with Firewall.load(path, model=model)."
            )
        raw, problems, remarks = read(X, self.schema_, dict(problems or {}))
        if len(raw) == 1:
            return self._safely(raw, problems, remarks)
        parts = self._parts(raw)
        return self._safely(raw, problems, remarks) if len(parts) < 2 else self._in_parts(raw, problems, remarks, parts, Lately())

    def _parts(self, raw: Batch) -> Sequence[slice]:
        """Return which rows are screened at once."""
        most = max(CELLS // max(len(self.schema_.names), 1), 1)
        if self.learned_.panel.reader.views:
            return list(portions(unpacked_sizes(raw), most))
        return [slice(start, start + most) for start in range(0, len(raw), most)]

    def _in_parts(
        self, raw: Batch, problems: Mapping[int, str], remarks: Sequence[Reason], parts: Sequence[slice], lately: Lately | None = None
    ) -> Verdicts:
        found = []
        for part in parts:
            local = {i - part.start: text for i, text in problems.items() if part.start <= i < part.stop}
            found.append(self._safely(raw.take(part), local, remarks, lately))
        return joined(found)

    def _safely(self, raw: Batch, problems: dict[int, str], remarks: Sequence[Reason], lately: Lately | None = None) -> Verdicts:
        """Screen rows; where something in them cannot be dealt with, find the rows and block these alone.

        Files that were unpacked stay so as long as there are verdicts on them; those of all parts but the last one looked at are unpacked again.
        """
        try:
            opened, why = self.learned_.panel.reader.views.opened(raw)
            again = None if lately is None or opened is raw else partial(lately.kept, make=partial(self._opened, raw))
            return self._screen(opened, {**why, **problems}, remarks, self.contract_.of_files(raw), again)
        except ModelError as error:  # not about these rows: the server is down, or the model is not what was fitted
            return self._routed(refused(raw, f"the model gave no answer: {told(error)}", NO_MODEL))
        except Exception as error:  # cells may be of any class, and models may do anything
            if len(raw) > 1:
                half = (len(raw) + 1) // 2
                return self._in_parts(raw, problems, remarks, (slice(0, half), slice(half, len(raw))), lately)
            return self._routed(refused(raw, f"the row cannot be dealt with: {told(error)}"))

    def _screen(
        self,
        raw: Batch,
        problems: Mapping[int, str],
        remarks: Sequence[Reason],
        contract: Contract,
        again: Callable[[Batch], Batch] | None = None,
    ) -> Verdicts:
        labelled: bool | None = self.about_.get("labelled")
        found = self._examined(raw)
        if again is not None:
            raw = again(found.batch)
            found = replace(found, batch=raw)
        return self._routed(judged(found, raw, problems, remarks, self.learned_, self.schema_, contract, self.policy, labelled))

    def _opened(self, raw: Batch) -> Batch:
        """Return rows with their files of pictures unpacked, in the form of the schema."""
        return self.schema_.conform(self.learned_.panel.reader.views.opened(raw)[0])

    def _routed(self, verdicts: Verdicts) -> Verdicts:
        """Return verdicts with the routes of the policy, where it looks at more than risk."""
        return verdicts if self.policy.plain else self.policy.applied(verdicts)

    def _examined(self, raw: Batch) -> Examination:
        batch = self.schema_.conform(raw)
        session = None if self.model_ is None else self.model_.session()
        answer = session.predict(batch) if session is not None else Prediction(np.full(len(batch), None, dtype=object))
        return self.learned_.panel.examine(batch, answer, session, self.schema_.form)

    def answer(self, X: Any) -> Prediction:
        """Return the model's own answers to rows that are read as `screen` reads them, without judging anything.

        Raises
        ------
        CamelopardError
            Without a model there is no answer.
        """
        self._check_fitted()
        if self.model_ is None:
            raise CamelopardError("answer() needs a firewall with its model. Load it with Firewall.load(path, model=model).")
        raw, session = read(X, self.schema_, {})[0], self.model_.session()
        parts = self._parts(raw)
        if len(parts) < 2:
            return session.predict(self._opened(raw))
        return Prediction.joined([session.predict(self._opened(raw.take(part))) for part in parts])

    def guard(self, *, repair: str = "repaired", review: str = "answer", block: str = "raise") -> Guard:
        """Return the model with the firewall in front of it: `predict` and `predict_proba` like its own. See `camelopard.firewall.guard.Guard`."""
        self._check_fitted()
        return Guard(self, repair=repair, review=review, block=block)

    def evaluate(self, X: Any, y: Any = None, *, budget: int | None = None, seed: int = 0, progress: Progress = silent) -> Quality:
        """Measure the firewall on rows of your own: what is caught, what is flagged in vain, how well risk and confidence are calibrated.

        Parameters
        ----------
        X, y
            Clean rows that it was not fitted on, and their labels where there are any. They are damaged in every way, as in fitting. With labels
            the routes that the policy in force gives them are measured, too.
        budget
            Rows asked of the model at most; None for about 150,000.
        seed
            Seed of everything random.
        progress
            Told how far the work has come.

        Returns
        -------
        Quality
            Figures with intervals; printed, a table.

        Raises
        ------
        CamelopardError
            Without a model there is nothing to be fooled; fewer than 20 rows are too few.
        """
        from camelopard.firewall.evaluation import evaluate

        self._check_fitted()
        if self.model_ is None or self.learned_.risk is None:
            raise CamelopardError("evaluate() needs a firewall with its model. Load it with Firewall.load(path, model=model).")
        return evaluate(self.model_, self.learned_.as_fitted(), self.schema_, self.about_["tolerance"], self.policy, X, y, budget, seed, progress)

    def with_policy(self, policy: Policy) -> Firewall:
        """Return this firewall with another policy. Nothing is fitted again; what comes from here and what comes from there is judged alike.

        Raises
        ------
        UnknownName
            If an override is for reasons on a column that the firewall does not know.
        CamelopardError
            For a policy with `accept`, if the firewall was recalibrated: that promise is about the traffic of fitting.
        """
        self._check_fitted()
        if not isinstance(policy, Policy):
            raise CamelopardError(f"with_policy({policy!r}): expected a camelopard.Policy.")
        check_columns(policy.overrides, self.schema_.names)
        if policy.accept is not None:
            self._check_traffic(f"Policy(accept={policy.accept:.3g})")
        other = copy(self)
        other.contract_, other.policy = deepcopy(self.contract_), policy
        return other

    def recalibrated(self, X: Any) -> Firewall:
        """Return this firewall with risk and confidence for traffic like `X`.

        Fitting makes probabilities for half clean rows and half damaged ones; live traffic is cleaner than that, one hopes. The share of damaged rows
        is estimated from X without labels, on the assumption that only this share has changed (Saerens et al. 2002). What raises an alarm stays the
        same; limits on risk that the policy sets, `block` and `review`, are held against the new risk.
        `describe()["traffic"]` says what was found.

        Parameters
        ----------
        X
            A hundred rows of live traffic or more, in any form that `screen` takes.

        Raises
        ------
        CamelopardError
            Without a model there is no risk; fewer than a hundred rows have an answer.
        """
        self._check_fitted()
        if self.model_ is None or self.learned_.risk is None:
            raise CamelopardError("recalibrated() needs a firewall with its model. Load it with Firewall.load(path, model=model).")
        if self.policy.accept is not None:
            raise CamelopardError(
                f"recalibrated(): Policy(accept={self.policy.accept:.3g}) is a promise about the traffic of fitting, and would not hold for "
                "other traffic. Choose another policy first: firewall.with_policy(…)."
            )
        live = self._evidence(X)
        if len(live.answer) < FEWEST_LIVE:
            raise CamelopardError(
                f"{len(live.answer)} of the {live.given} rows given have an answer; expected at least {FEWEST_LIVE} rows of live traffic, in the "
                "form that screen takes."
            )
        known = self.learned_.head.score(live.table, live.answer)
        other = copy(self)
        other.contract_ = deepcopy(self.contract_)
        other.learned_, found = self.learned_.for_traffic(known)
        other.about_ = {**self.about_, "traffic": found}
        return other

    def estimate(self, X: Any, *, metric: str = "accuracy", positive: Any = None) -> Estimate:
        """Return how good the model is on rows without labels, with an interval, beside other ways to tell and what each was worth in a backtest.

        Confidence is corrected for the share of damaged rows among these, and averaged. The interval holds what chance does to so few rows, how far
        the mean of confidence was off between families of damage, and how few labelled rows all of this rests on. What no row shows, such as a
        plausible wrong value in its place, or labels that mean something else now, it cannot hold.

        Parameters
        ----------
        X
            Live rows, in any form that `screen` takes.
        metric, positive
            "accuracy" (for regressions: the share within the tolerance); for two classes also "precision", "recall" or "f1" of the class `positive`.

        Raises
        ------
        CamelopardError
            For a firewall that was fitted without a model or without labels, or if the model answers none of the rows.
        """
        from camelopard.firewall.estimation import estimated

        self._check_labelled("estimate")
        return estimated(self.learned_, self._evidence(X), metric, positive)

    def backtest(self, X: Any, y: Any, *, rows: int = 300) -> Backtest:
        """Hold `estimate` and the other ways against labels, on consecutive windows of labelled rows: which is to be trusted for this model?

        Parameters
        ----------
        X, y
            Past traffic in the order in which it came, and the labels that became known.
        rows
            Of a window.

        Raises
        ------
        InputError
            If not even one window is full.
        CamelopardError
            As `estimate`.
        """
        from camelopard.firewall.estimation import backtest

        self._check_labelled("backtest")
        assert self.model_ is not None
        batch, labels = with_labels(Batch.of(X), y)
        if labels is None:
            raise CamelopardError("backtest() holds estimates against labels; give them as y.")
        live = self._evidence(batch)
        return backtest(self.learned_, live, checked_labels(labels, self.model_, live.answer), rows)

    def accept(self, errors: float, *, sureness: float = 0.9) -> Accepted:
        """Return from which confidence on answers may be used so that at most the share `errors` of those used is wrong.

        That is to hold with probability `sureness` over the draw of the rows given to fit, on the declared traffic: half clean rows, half damaged
        ones, every kind of damage alike. It was tested on cross-fitted confidence; what screens is learned from all of these rows. Cleaner traffic
        shows fewer errors, and repaired answers are no part of it. `accept_by` makes the promise within segments, from rows of your own.

        Raises
        ------
        CamelopardError
            For a firewall that was fitted without a model or without labels.
        InputError
            If a share is not above 0 and below 1.
        """
        self._check_labelled("accept")
        self._check_traffic("accept()")
        return self.learned_.accepted(errors, sureness)

    def accept_by(self, by: str, X: Any, y: Any, errors: float, *, sureness: float = 0.9, seed: int = 0) -> dict[Any, Accepted]:
        """Return the same for each value of a column, from labelled clean rows that the firewall was not fitted on; they are damaged as in fitting.

        `Policy(accept=…)` is one number for all rows: thresholds of segments are for you to hold against `Verdicts.confidence`.

        Raises
        ------
        CamelopardError
            As `accept`; for a column that there is not, or that has more than 50 values.
        """
        from camelopard.firewall.evaluation import accept_by

        self._check_labelled("accept_by")
        self._check_traffic("accept_by()")
        assert self.model_ is not None
        return accept_by(self.model_, self.learned_, self.schema_, self.about_["tolerance"], by, X, y, errors, sureness, seed)

    def _check_labelled(self, what: str) -> None:
        self._check_fitted()
        if self.about_["model"] is None:
            raise CamelopardError(f"{what}() needs a firewall that was fitted to a model; this one was fitted to data alone.")
        if self.model_ is None:
            raise CamelopardError(f"{what}() needs a firewall with its model. Load it with Firewall.load(path, model=model).")
        if self.learned_.accept is None or self.learned_.estimator is None:
            raise CamelopardError(f"{what}() rests on labels, and this firewall was fitted without. Fit it with y: firewall.fit(model, X, y).")

    def _check_traffic(self, what: str) -> None:
        if self.learned_.mix.shift:
            raise CamelopardError(f"{what} is for the traffic of fitting, and this firewall was recalibrated for other traffic. Use the one before.")

    def _evidence(self, X: Any) -> Live:
        """Return what is known of the rows that hold something and that the model answers."""
        raw, problems, _ = read(X, self.schema_, {})
        sound = np.setdiff1d(np.arange(len(raw)), list(problems))
        parts = []
        for part in self._parts(raw.take(sound)):
            rows = sound[part]
            found = self._examined(self.learned_.panel.reader.views.opened(raw.take(rows))[0])
            there = ~found.answer.failed & ~(found.reading.states == MISSING).all(axis=1)
            parts.append((rows[there], found.answer.take(there), found.table[there]))
        if not parts:
            return Live(len(raw), sound, Prediction(np.empty(0, dtype=object)), np.empty((0, 0)))
        kept, answers, tables = zip(*parts, strict=True)
        return Live(len(raw), np.concatenate(kept), Prediction.joined(answers), np.vstack(tables))

    # --- what is known --------------------------------------------------------------------------------------------------------------

    @property
    def contract(self) -> Contract:
        """The assumptions in force; editable. Assign one that was loaded with Contract.load after editing its file."""
        self._check_fitted()
        return self.contract_

    @contract.setter
    def contract(self, contract: Contract) -> None:
        self._check_fitted()
        self.contract_ = self.contract_.edited(contract)

    @property
    def schema(self) -> Schema:
        """What clean data looks like."""
        self._check_fitted()
        return self.schema_

    def describe(self) -> dict[str, Any]:
        """Return what there is to know about this firewall, as plain data: model, thresholds, measured quality, contract."""
        self._check_fitted()
        threshold = self.learned_.threshold
        return {
            **self.about_,
            "alpha": self.alpha,
            "policy": self.policy.state(),
            "threshold": {
                "alpha": threshold.alpha,
                "confidence": threshold.confidence,
                "on_average": threshold.on_average,
                "rows": threshold.rows,
                "alarms_possible": bool(np.isfinite(threshold.value)),
                "risk": self.learned_.risk_at_threshold(),
            },
            "measured": dict(self.learned_.measured),
            "note": self.learned_.note,
            "contract": [asdict(a) for a in self.contract_],
        }

    def summary(self) -> str:
        """Return the same in words, for people."""
        from camelopard.firewall.summary import summary

        return summary(self.describe())

    def save_report(self, path: str | os.PathLike[str]) -> None:
        """Write the stress report together with what was measured of this firewall, as its ending says: .html or .json.

        Raises
        ------
        CamelopardError
            For a firewall that was loaded from a file, which keeps no report, or another ending.
        """
        from camelopard.stress.report import save

        self._check_fitted()
        if not hasattr(self, "report_"):
            raise CamelopardError("save_report() needs the stress report, which a file does not keep. Write it where the firewall is fitted.")
        save({**self.report_.to_dict(), "firewall": self.describe()}, path)

    # --- keeping --------------------------------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one file, without pickle or code, and the contract beside it as readable TOML."""
        self._check_fitted()
        codec.write(path, "firewall", self._state())
        self.contract_.save(f"{os.fspath(path)}.toml")

    @classmethod
    def load(cls, path: str | os.PathLike[str], model: Model | None = None) -> Firewall:
        """Read a firewall that `save` wrote. `model` is the wrapped model it was fitted to; classes that it only counts get their names back.

        Raises
        ------
        ArtifactError
            If the file is corrupt, foreign or from another version, or the model does not fit it.
        """
        model = None if model is None else wrapped(model)
        try:
            firewall = cls._from_state(codec.read(path, "firewall"), str(path))
            known, panel, form = firewall.about_["model"], firewall.learned_.panel, firewall.schema_.form
            firewall.model_ = recognised(model, known, firewall.likeness_, panel, form, str(path))
            check_measurable(panel, firewall.model_, form, str(path))
        except ArtifactError:
            raise
        except (CamelopardError, KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError) as error:
            raise ArtifactError(f"{path}: its content does not make a firewall ({type(error).__name__}: {error}). Save it again.") from error
        return firewall

    def _state(self) -> dict[str, Any]:
        learned, form = self.learned_, self.schema_.form
        return {
            "alpha": self.alpha,
            "seed": self.seed,
            "policy": self.policy.state(),
            "about": self.about_,
            "form": {"kind": form.kind, "dtypes": dict(form.dtypes), "categories": dict(form.categories)},
            "columns": [vars(column) for column in self.schema_.columns.values()],
            **learned.state(),
            "contract": self.contract_.to_toml(),
            "likeness": None if self.likeness_ is None else self.likeness_.state(),
        }

    @classmethod
    def _from_state(cls, s: Mapping[str, Any], path: str) -> Firewall:
        firewall = cls(alpha=s["alpha"], policy=Policy.from_state(s["policy"]), seed=s["seed"])
        firewall.about_ = dict(s["about"])
        firewall.uncertainty = firewall.about_.get("uncertainty", {}).get("asked_for")
        firewall.schema_ = Schema({c["name"]: Column(**c) for c in s["columns"]}, Form(**s["form"]))
        firewall.learned_ = Learned.from_state(s)
        firewall.contract_ = Contract.from_toml(s["contract"], path)
        firewall.likeness_ = None if s["likeness"] is None else Likeness.from_state(s["likeness"])
        return firewall

    def _check_fitted(self) -> None:
        if not hasattr(self, "learned_"):
            raise NotFitted.firewall()

    def __repr__(self) -> str:
        fitted = f"fitted to {self.about_['model']['name']!r}" if hasattr(self, "about_") and self.about_.get("model") else "not fitted"
        return f"<Firewall alpha={self.alpha}, {'fitted to data' if hasattr(self, 'about_') and not self.about_.get('model') else fitted}>"
