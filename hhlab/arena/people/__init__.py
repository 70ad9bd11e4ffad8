"""Who voted, and how: sides, agreement, reliability, and votes that look wrong."""
