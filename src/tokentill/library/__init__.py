"""The library's classes, with the ways to make them from what lies outside: responses, folders and mappings."""
