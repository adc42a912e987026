"""The relay: transports and the native packet plane. `contract.py` is its edge."""
