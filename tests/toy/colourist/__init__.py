"""A toy system: colours for a grey photo. The entry point names the row."""

from likeness.systems import Row

ROW = Row(
    "colours for a grey photo",
    "recipes:ColouristRecipe",
    "system:ColouristSystem",
    "synthesis:ColouristSynthesizer",
    use="make colourist --photo PHOTO --weights",
    graphs="graphs",
    protocol="protocol:measure",
    study="study:STUDY",
    package="colourist",
)
