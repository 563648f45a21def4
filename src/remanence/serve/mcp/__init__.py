"""A memory for programs that speak the Model Context Protocol: few tools, small schemas, nothing but the verbs."""
