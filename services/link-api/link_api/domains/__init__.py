"""Domains: the hosts on which a project's short links live."""
