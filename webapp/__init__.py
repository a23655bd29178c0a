"""The edge: HTTP, WebSocket and the page; everything a browser can reach."""
