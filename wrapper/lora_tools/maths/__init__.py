"""Changes of weights as factors: norms, singular values, ranks."""
