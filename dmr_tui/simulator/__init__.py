"""A Docker Model Runner without models, served over real HTTP."""
