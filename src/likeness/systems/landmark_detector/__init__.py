"""Ω: the 68 landmarks of a face, by one hourglass and DSNT (LandmarkGAN, section 2.2)."""
