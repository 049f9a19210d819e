"""LandmarkGAN: landmarks to a chosen person's face (Sun, Li, Qi & Lyu)."""
