"""The whole plant as processes of their own, and a browser."""
