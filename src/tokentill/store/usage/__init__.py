"""Records of usage as they are kept: rows, series, sums and digests."""
