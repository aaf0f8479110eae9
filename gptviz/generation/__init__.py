"""The decode loop: a request is checked, its steps are generated, a completion is what comes out."""
