"""Event contracts and plumbing that CodeQR's services share. No business rules live here."""
