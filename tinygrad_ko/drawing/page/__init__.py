"""The page that steps through backpropagation: one HTML file that loads nothing."""
