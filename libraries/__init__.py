"""What nature says: reference tables of lines, cross sections and materials, and their look-ups."""
