"""The firewall: fit it to a model, screen what comes in. A screening is: read, contract, predict, evidence, risk, route."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from camelopard.confidence.conformal import AlarmThreshold, p_values
from camelopard.confidence.logistic import Logistic
from camelopard.core import codec
from camelopard.core.arrays import Bools, Floats
from camelopard.core.batch import Batch, Form
from camelopard.core.errors import ArtifactError, CamelopardError, NotFitted, told
from camelopard.core.protocols import Model, Progress, silent, wrapped
from camelopard.core.records import Prediction, Reason
from camelopard.core.schema import Column, Schema
from camelopard.evidence.reading import MISSING
from camelopard.firewall.contract import Contract
from camelopard.firewall.explain import Explainer, trusted
from camelopard.firewall.guard import Guard
from camelopard.firewall.head import Head
from camelopard.firewall.incoming import empty, read
from camelopard.firewall.learned import Learned, Mix
from camelopard.firewall.likeness import ROWS, Likeness, is_other
from camelopard.firewall.panel import Examination, Panel
from camelopard.firewall.policy import Policy
from camelopard.firewall.verdicts import Verdicts, joined, refused
from camelopard.stress.budget import parse

if TYPE_CHECKING:
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
        Which risk leads to which route.
    budget
        What fitting may cost: rows asked of the model, seconds as "60s", or None for the default.
    seed
        Seed of everything random in fitting. The same inputs give the same firewall.
    """

    def __init__(self, alpha: float = 0.01, policy: Policy | None = None, budget: int | str | None = None, seed: int = 0) -> None:
        if not (isinstance(alpha, (int, float)) and 0 < alpha < 1):
            raise CamelopardError(f"Firewall(alpha={alpha!r}): expected a share between 0 and 1, such as 0.01.")
        parse(budget)
        if type(seed) is not int or seed < 0:
            raise CamelopardError(f"Firewall(seed={seed!r}): expected a whole number from 0.")
        if policy is not None and not isinstance(policy, Policy):
            raise CamelopardError(f"Firewall(policy={policy!r}): expected a camelopard.Policy.")
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
        from camelopard.firewall.learn import rows_for
        from camelopard.firewall.training import train

        trained = train(model, X, y, reference, alpha=self.alpha, budget=self.budget, seed=self.seed, progress=progress)
        self.model_, self.schema_, self.learned_, self.report_ = model, trained.schema, trained.learned, trained.report
        self.about_, self.contract_ = dict(trained.about), Contract(trained.report.assumptions)
        self.likeness_ = trained.likeness
        if not np.isfinite(trained.learned.threshold.value):
            rows = trained.about["rows"]["calibrated"]
            warnings.warn(
                f"this firewall can stop no row: {rows} of the rows given calibrate it, too few to promise at most {self.alpha:.1%} false alarms; "
                f"that takes about {rows_for(self.alpha):,} rows given to fit. Give more rows, or a larger alpha.",
                NoAlarmsWarning,
                stacklevel=2,
            )
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
        most = self._chunk
        return self._safely(raw, problems, remarks) if len(raw) <= most else self._in_parts(raw, problems, remarks, most)

    @property
    def _chunk(self) -> int:
        """Return how many rows are screened at once."""
        return max(CELLS // max(len(self.schema_.names), 1), 1)

    def _in_parts(self, raw: Batch, problems: Mapping[int, str], remarks: Sequence[Reason], size: int) -> Verdicts:
        parts = []
        for start in range(0, len(raw), size):
            local = {i - start: text for i, text in problems.items() if start <= i < start + size}
            parts.append(self._safely(raw.take(slice(start, start + size)), local, remarks))
        return joined(parts)

    def _safely(self, raw: Batch, problems: dict[int, str], remarks: Sequence[Reason]) -> Verdicts:
        """Screen rows; where something in them cannot be dealt with, find the rows and block these alone."""
        try:
            return self._screen(raw, problems, remarks)
        except Exception as error:  # cells may be of any class, and models may do anything
            if len(raw) > 1:
                return self._in_parts(raw, problems, remarks, (len(raw) + 1) // 2)
            return refused(raw.ids, f"the row cannot be dealt with: {told(error)}")

    def _screen(self, raw: Batch, problems: dict[int, str], remarks: Sequence[Reason]) -> Verdicts:
        learned = self.learned_
        found = self._examined(raw)
        batch, answer = found.batch, found.answer
        problems = {**empty(batch, self.schema_, found.reading.states == MISSING), **problems}
        outside, untested = learned.outside(found)
        oddity = 1.0 - p_values(found.odd, learned.clean_odd)
        unreadable = answer.failed.copy()
        if problems:
            unreadable[[i for i in problems if i < len(batch)]] = True
        if learned.risk is None:
            nothing = np.full(len(batch), np.nan)
            risk, confidence, alarmed = nothing, nothing, found.odd > learned.threshold.value
            route = self.policy.route(risk, alarmed, np.zeros(len(batch), dtype=bool), unreadable, self._breaks_rules(batch))
        else:
            judged = learned.judge(answer, found.table)
            alarmed = judged.score > learned.threshold.value
            risk, confidence = np.where(unreadable, 1.0, judged.risk), np.where(unreadable, 0.0, judged.confidence)
            route = self.policy.route(risk, alarmed, self._repairable(found, batch, problems), unreadable, untested | self._breaks_rules(batch))
        explainer = Explainer(found, learned.panel, self.schema_, alarmed, outside, self.contract_, remarks, problems)
        return Verdicts(raw.ids, answer.value, answer.proba, risk, confidence, oddity, route, explainer.reasons, explainer.repair)

    def _examined(self, raw: Batch) -> Examination:
        batch = self.schema_.conform(raw)
        session = None if self.model_ is None else self.model_.session()
        answer = session.predict(batch) if session is not None else Prediction(np.full(len(batch), None, dtype=object))
        return self.learned_.panel.examine(batch, answer, session, self.schema_.form)

    def _breaks_rules(self, batch: Batch) -> Bools:
        """Return which rows break what a person set in the contract, shape (n,)."""
        rules = self.contract_.rules()
        return np.zeros(len(batch), dtype=bool) if rules is None else np.asarray(rules.check(batch).broken.any(axis=1), dtype=bool)

    def _repairable(self, found: Examination, batch: Batch, problems: Mapping[int, str]) -> Bools:
        able = np.zeros(len(batch), dtype=bool)
        if not len(found.impact.rows):
            return able
        able[found.impact.rows] = trusted(found, self.learned_.panel)
        able[[i for i in problems if i < len(batch)]] = False
        return able

    def guard(self, *, repair: str = "repaired", review: str = "answer", block: str = "raise") -> Guard:
        """Return the model with the firewall in front of it: `predict` and `predict_proba` like its own. See `camelopard.firewall.guard.Guard`."""
        self._check_fitted()
        return Guard(self, repair=repair, review=review, block=block)

    def evaluate(self, X: Any, y: Any = None, *, budget: int | None = None, seed: int = 0, progress: Progress = silent) -> Quality:
        """Measure the firewall on rows of your own: what is caught, what is flagged in vain, how well risk and confidence are calibrated.

        Parameters
        ----------
        X, y
            Clean rows that it was not fitted on, and their labels where there are any. They are damaged in every way, as in fitting.
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
        return evaluate(self.model_, self.learned_.as_fitted(), self.schema_, self.about_["tolerance"], X, y, budget, seed, progress)

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
        raw, problems, _ = read(X, self.schema_, {})
        sound = raw.take(np.setdiff1d(np.arange(len(raw)), list(problems)))
        scores = [self._scores(sound.take(slice(start, start + self._chunk))) for start in range(0, len(sound), self._chunk)]
        known = np.concatenate(scores) if scores else np.zeros(0)
        if len(known) < FEWEST_LIVE:
            raise CamelopardError(
                f"{len(known)} of the {len(raw)} rows given have an answer; expected at least {FEWEST_LIVE} rows of live traffic, in the form that "
                "screen takes."
            )
        other = copy(self)
        other.contract_ = deepcopy(self.contract_)
        other.learned_, found = self.learned_.for_traffic(known)
        other.about_ = {**self.about_, "traffic": found}
        return other

    def _scores(self, raw: Batch) -> Floats:
        """Return the head's scores of the rows that hold something, and that the model answers."""
        found = self._examined(raw)
        there = ~found.answer.failed & ~(found.reading.states == MISSING).all(axis=1)
        scores: Floats = self.learned_.head.score(found.table)[there]
        return scores

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
            "policy": {"review": self.policy.review, "block": self.policy.block, "repair": self.policy.repair},
            "threshold": {
                "alpha": threshold.alpha,
                "confidence": threshold.confidence,
                "rows": threshold.rows,
                "alarms_possible": bool(np.isfinite(threshold.value)),
                "risk": self._risk_at_threshold(),
            },
            "measured": dict(self.learned_.measured),
            "contract": [asdict(a) for a in self.contract_],
        }

    def _risk_at_threshold(self) -> float | None:
        risk, value = self.learned_.risk, self.learned_.threshold.value
        if risk is None or not np.isfinite(value):
            return None
        at = np.array([value])
        return float(self.learned_.mix.risk(at, risk.probability(at[:, None]))[0])

    def summary(self) -> str:
        """Return the same in words, for people."""
        from camelopard.firewall.summary import summary

        return summary(self.describe())

    # --- keeping --------------------------------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one file, without pickle or code, and the contract beside it as readable TOML."""
        self._check_fitted()
        codec.write(path, "firewall", self._state())
        self.contract_.save(f"{os.fspath(path)}.toml")

    @classmethod
    def load(cls, path: str | os.PathLike[str], model: Model | None = None) -> Firewall:
        """Read a firewall that `save` wrote. `model` is the wrapped model it was fitted to.

        Raises
        ------
        ArtifactError
            If the file is corrupt, foreign or from another version, or the model does not fit it.
        """
        state = codec.read(path, "firewall")
        model = None if model is None else wrapped(model)
        try:
            firewall = cls._from_state(state, model, str(path))
            firewall._check_model(str(path))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise ArtifactError(f"{path}: its content does not make a firewall ({type(error).__name__}: {error}). Save it again.") from error
        return firewall

    def _state(self) -> dict[str, Any]:
        learned, form = self.learned_, self.schema_.form
        return {
            "alpha": self.alpha,
            "seed": self.seed,
            "policy": {"review": self.policy.review, "block": self.policy.block, "repair": self.policy.repair},
            "about": self.about_,
            "form": {"kind": form.kind, "dtypes": dict(form.dtypes), "categories": dict(form.categories)},
            "columns": [vars(column) for column in self.schema_.columns.values()],
            "panel": learned.panel.state(),
            "head": learned.head.state(),
            "errors": None if learned.errors is None else learned.errors.state(),
            "risk": None if learned.risk is None else learned.risk.state(),
            "confidence": None if learned.confidence is None else learned.confidence.state(),
            "threshold": vars(learned.threshold),
            "clean_odd": learned.clean_odd,
            "farthest_odd": learned.farthest_odd,
            "most_missing": learned.most_missing,
            "measured": learned.measured,
            "mix": learned.mix.state(),
            "contract": self.contract_.to_toml(),
            "likeness": None if self.likeness_ is None else self.likeness_.state(),
        }

    @classmethod
    def _from_state(cls, s: Mapping[str, Any], model: Model | None, path: str) -> Firewall:
        firewall = cls(alpha=s["alpha"], policy=Policy(**s["policy"]), seed=s["seed"])
        firewall.model_, firewall.about_ = model, dict(s["about"])
        firewall.schema_ = Schema({c["name"]: Column(**c) for c in s["columns"]}, Form(**s["form"]))
        firewall.learned_ = Learned(
            Panel.from_state(s["panel"]),
            Head.from_state(s["head"]),
            None if s["errors"] is None else Head.from_state(s["errors"]),
            None if s["risk"] is None else Logistic.from_state(s["risk"]),
            None if s["confidence"] is None else Logistic.from_state(s["confidence"]),
            AlarmThreshold(**s["threshold"]),
            s["clean_odd"],
            s["farthest_odd"],
            s["most_missing"],
            s["measured"],
            Mix.from_state(s["mix"]),
        )
        firewall.contract_ = Contract.from_toml(s["contract"], path)
        firewall.likeness_ = None if s["likeness"] is None else Likeness.from_state(s["likeness"])
        return firewall

    def _check_model(self, path: str) -> None:
        kept = self.about_["model"]
        if self.model_ is None:
            return
        if kept is None:
            raise ArtifactError(f"{path}: this firewall was fitted to data alone. Load it without a model.")
        # A function may know its task only once it has answered: the likeness is asked first.
        other = 0 if self.likeness_ is None else self.likeness_.other(self.model_, self.learned_.panel, self.schema_.form)
        if self.model_.task != kept["task"]:
            raise ArtifactError(
                f"{path}: fitted to a model for {kept['task']}, but {self.model_.name!r} does {self.model_.task}. Load it with its own model."
            )
        known = [str(c) for c in kept["classes"]]
        if known and [str(c) for c in self.model_.classes] != [c for c in known if c in {str(m) for m in self.model_.classes}]:
            raise ArtifactError(
                f"{path}: fitted to a model with the classes {list(kept['classes'])}, but {self.model_.name!r} has {list(self.model_.classes)}. "
                "Load it with its own model."
            )
        if is_other(other):
            raise ArtifactError(
                f"{path}: {self.model_.name!r} is not the model that it was fitted to: it answers {other} of {ROWS} rows otherwise. "
                "Load it with its own model, or fit a firewall to this one."
            )

    def _check_fitted(self) -> None:
        if not hasattr(self, "learned_"):
            raise NotFitted.firewall()

    def __repr__(self) -> str:
        fitted = f"fitted to {self.about_['model']['name']!r}" if hasattr(self, "about_") and self.about_.get("model") else "not fitted"
        return f"<Firewall alpha={self.alpha}, {'fitted to data' if hasattr(self, 'about_') and not self.about_.get('model') else fitted}>"
