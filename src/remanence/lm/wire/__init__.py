"""What talking to a language model over HTTP is made of: transport, dialects, schemas, prompts."""
