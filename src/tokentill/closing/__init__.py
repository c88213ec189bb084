"""What is done: records taken in, inputs pinned, periods computed, reviewed, closed, explained and verified."""
