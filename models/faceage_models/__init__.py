"""Float models of faceage: architectures, heads, losses, and their export to float .tflite.

Nothing heavy is imported here: Keras and TensorFlow come in with the functions that need them, so
that reading a module of this package works with the slim install.
"""
