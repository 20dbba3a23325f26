"""From raw scores to probabilities with a meaning: calibration and conformal thresholds."""
