"""The option catalogue, packaged."""
