"""Arrays of any library: which one they belong to, what an op accepts, who else holds their memory, indices."""
