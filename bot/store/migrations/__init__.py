"""The versions of the tables, in order; each leaves the release before it working."""
