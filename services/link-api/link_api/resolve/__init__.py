"""Resolving: what a redirector asks when neither its cache nor Redis knows a short link."""
