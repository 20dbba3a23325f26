"""What pages and API stand on: the application, who asks, and the bounds that no request gets past."""
