"""What can be measured about a data point, one file per question. Evidence measures, higher is always worse; it never decides."""
