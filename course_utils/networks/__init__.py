"""Modules with weights: the U-Net, its blocks, and what breaks when a part is missing. They know no schedule."""
