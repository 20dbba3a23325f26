"""Contract suites for the protocols: for this project's own tests, and for plug-ins."""
