"""parts: a whole face from facial parts (Sun, Guo & Liu 2022). Start at README.md."""
