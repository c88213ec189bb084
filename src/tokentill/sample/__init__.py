"""The sample month: generated activity and the contracts that go with it."""
