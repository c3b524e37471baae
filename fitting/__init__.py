"""What we compute: data types, line shapes, backgrounds, models, fits and quantities. No files, no window."""
