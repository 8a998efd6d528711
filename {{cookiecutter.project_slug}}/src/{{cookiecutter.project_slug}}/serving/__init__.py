"""Serving: a model answers in the Open Inference Protocol (V2), through MLServer."""
