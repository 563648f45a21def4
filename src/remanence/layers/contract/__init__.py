"""The contracts of the layers: cells, segment memories, parametric memories, datastores, and the state they hand on."""
