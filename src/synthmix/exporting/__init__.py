"""A mixture out of synthmix into somebody's trainer: as weights in its own configuration, or the mixed data itself."""
