"""What pages and API show and change, without a word of HTTP: models and versions, what is in the log, rows tried out."""
