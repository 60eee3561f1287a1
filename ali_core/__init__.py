"""A small core that trains, keeps and asks the information-autoencoding family.

Reading order: config, data, networks, samples, objectives, train; then checkpoint, model, atlas.
"""

__version__ = "0.1.0"
