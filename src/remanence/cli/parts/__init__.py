"""What commands share: the group that finds them, their options, the memory they open, and how they answer."""
