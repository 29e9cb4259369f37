"""Array → number: how good one repainted or drawn picture is."""
