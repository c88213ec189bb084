"""From what records come to, to what a document says: lines, fees, commitments, and the steps to what is due."""
