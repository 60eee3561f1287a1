"""Encoders, decoders, discriminators, translators, what they are built of, and the judge of classes."""
