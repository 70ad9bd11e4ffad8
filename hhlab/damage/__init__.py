"""Known damages with a known dose, arrays in and arrays out: what the metrics are tried on."""
