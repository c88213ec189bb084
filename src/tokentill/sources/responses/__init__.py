"""What a vendor's API answered, read as usage: one module a vendor, each with its convention of totals.

For an application that prices a response it just got. A response is JSON text, a mapping, or an object of a vendor's
SDK; no SDK is imported. Where a gateway's exports say the same things under the same names, the module uses the paths
of `sources.gateways`, so that a request has the same quantities whether it was captured or exported.
"""
