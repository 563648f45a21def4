"""What the cache memories share: storage, rotation on read, attention, and the attachment to a model."""
