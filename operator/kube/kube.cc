// Placeholder translation unit until the first parts land.
