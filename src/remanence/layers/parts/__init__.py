"""What layers are made of: projections, feature maps, scans; each is used by at least two of them."""
