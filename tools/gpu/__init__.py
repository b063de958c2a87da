"""The parts of tools/check-gpu, and what packs them."""
