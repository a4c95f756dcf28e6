"""Names along the spine and the ribs, and of sides, made to agree with the order that anatomy has."""
