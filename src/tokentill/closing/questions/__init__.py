"""What is asked about documents that there are: explained, traced, simulated, verified, booked."""
