"""Memory a frozen model attends to: keys and values, kept and read by one of many policies."""
