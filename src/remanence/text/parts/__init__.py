"""Small stages that methods are made of; each is used by at least two of them."""
