"""The firewall in front of a model server: what comes over HTTP is screened, answered, withheld or refused."""
