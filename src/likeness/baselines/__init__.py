"""What the papers compare with, in the shape of a trained system."""
