"""A photo from a drawing: pix2pix, after the report *Generate Photo-realistic image from sketch using cGAN*."""
