"""What requests say and what answers hold, as the schema tells it. An answer's JSON is that of an export."""
