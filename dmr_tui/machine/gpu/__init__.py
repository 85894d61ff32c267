"""The GPUs: one provider for each maker, all with the same report."""
