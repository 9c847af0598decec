"""Tags: names with a colour that links carry."""
