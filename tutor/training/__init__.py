"""Trains a GPT-2 with the code of steps 20 to 25, and measures how well a model predicts a text."""
