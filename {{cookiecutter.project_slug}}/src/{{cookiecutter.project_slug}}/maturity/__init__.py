"""Does the project really stand where it says? The proofs of maturity.yaml, run."""
