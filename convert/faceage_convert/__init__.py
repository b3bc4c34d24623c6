"""The host side's main job: any float age model to verified int8 TFLite files and a report."""
