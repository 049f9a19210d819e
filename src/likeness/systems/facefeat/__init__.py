"""FaceFeat-GAN: many faces of one person (Shen, Zhou, Luo & Tang 2018). Start at README.md."""
