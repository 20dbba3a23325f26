"""One request in, one answer out: what rows are asked, what the firewall says, what the client is told."""
