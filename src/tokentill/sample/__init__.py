"""The sample month: activity, and the contracts that go with it. `tools/sample` made the activity."""
