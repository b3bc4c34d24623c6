"""Measurements of faceage: accuracy, latency and detection, with one versioned result file."""
