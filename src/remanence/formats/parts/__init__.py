"""Small stages that formats are made of; each is used by at least two of them, or by their caller."""
