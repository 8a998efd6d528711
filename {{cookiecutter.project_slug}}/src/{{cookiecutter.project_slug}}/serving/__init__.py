"""Serving: a model answers over HTTP and gRPC, in the Open Inference Protocol (V2), through MLServer."""
