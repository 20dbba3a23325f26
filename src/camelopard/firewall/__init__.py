"""The firewall: contract, training from stress outcomes, screening, repair, policy."""
