"""ISEGAN: a photo from a sketch, through an intermediate parsing (Li, Zheng & Liu)."""
