"""Reading a face: find it, its 68 landmarks, bring it to a framing, cut its parts."""
