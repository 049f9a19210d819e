"""Where faces are in a photo, each as a point (after Zhou, Wang & Krähenbühl 2019)."""
