"""The machine underneath: processors, file systems, terminals, clusters."""
