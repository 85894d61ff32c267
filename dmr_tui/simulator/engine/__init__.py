"""The inference engine of a loaded model: simulated, or a real llama-server passed through."""
