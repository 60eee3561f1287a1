"""The measures of whole sets, and those of a translator, a row each: see measures.py."""

from .row import Measure

HOLES = "mean squared error inside of random holes of "
NEAREST = "share of held-out pictures whose nearest training picture, by {by}, has its class"
PROBE = "accuracy of a logistic regression on {by}, standardised"
APART = "Fréchet distance, in the classifier's features, of held-out pictures and "
IMAGENET = "Fréchet distance, in the features of {net}, which learned ImageNet, of held-out pictures and "
AMONG = " (5 neighbours, the classifier's features)"
OBEYED = "that the classifier gives the class that was asked for"
SURE = "factors of which the classifier is at least {sure:.0%} sure"

# where `taken` says nothing: together by sets.py and groups.py
SETS = {
    "inpainting_mse": Measure(
        "Error inside of holes (MSE)",
        HOLES + "G(E(m(x)))",
        ".4f",
        "lower",
        "the mean picture: {inpainting_mse_mean}",
        short="holes, MSE",
        floor="inpainting_mse_mean",
    ),
    "inpainting_mse_mean": Measure("The mean picture inside of holes", HOLES + "the mean picture", ".4f", shown=False),
    "nn_accuracy": Measure(
        "Class from the nearest code",
        NEAREST,
        ".1%",
        "higher",
        "pixels {nn_accuracy_pixels}|PCA of the same size {nn_accuracy_pca}",
        short="1-NN of codes",
        floor="nn_accuracy_pixels",
    ),
    "nn_accuracy_pixels": Measure("From the nearest in pixels", NEAREST, ".1%", shown=False),
    "nn_accuracy_pca": Measure("From the nearest by PCA of the same size", NEAREST, ".1%", shown=False),
    "nn_accuracy_hidden": Measure(
        "Class from the nearest, a layer before", NEAREST + " (BiGAN's protocol)", ".1%", "higher"
    ),
    "probe_accuracy": Measure(
        "Class from a line through the codes",
        PROBE,
        ".1%",
        "higher",
        "pixels {probe_accuracy_pixels}|PCA of the same size {probe_accuracy_pca}",
    ),
    "probe_accuracy_pixels": Measure("From a line through the pixels", PROBE, ".1%", shown=False),
    "probe_accuracy_pca": Measure("From a line through PCA of the same size", PROBE, ".1%", shown=False),
    "class_obeyed": Measure(
        "Samples are of the class asked for",
        f"share of samples {OBEYED}",
        ".1%",
        "higher",
        "chance: {chance}",
        short="class obeyed",
    ),
    "class_edited": Measure(
        "Pictures become the class asked for",
        f"share of held-out pictures, decoded with another class, {OBEYED}",
        ".1%",
        "higher",
        "chance: {chance}",
    ),
    "others_kept": Measure(
        "The other factors stay",
        "share of the other factors of those pictures to which the classifier gives the class it gives the real "
        "picture; true: their true class",
        ".1%",
        "higher",
        short="others kept",
    ),
    "confident": Measure(
        "The classifier is sure of samples",
        f"share of samples' {SURE}",
        ".1%",
        "higher",
        "real pictures: {confident_real}",
    ),
    "confident_real": Measure(
        "The classifier is sure of real pictures", f"share of held-out pictures' {SURE}", ".1%", shown=False
    ),
    "inception_score": Measure(
        "Classifier score of samples",
        "inception-type score of samples by the classifier: 1 to the number of classes",
        ".2f",
        "higher",
        "at most the number of classes",
    ),
    "frechet": Measure(
        "Fréchet distance of samples",
        APART + "samples",
        ".1f",
        "lower",
        "as many real pictures: {frechet_floor}",
        short="Fréchet of samples",
        floor="frechet_floor",
    ),
    "frechet_floor": Measure(
        "Fréchet distance of real pictures", APART + "as many training pictures", ".1f", shown=False
    ),
    "imagenet_frechet": Measure(
        "Fréchet distance of samples, ImageNet's features",
        IMAGENET + "samples; pictures of fewer than {side} pixels enlarged to that",
        ".1f",
        "lower",
        "as many real pictures: {imagenet_frechet_floor}",
        short="Fréchet, ImageNet's",
        floor="imagenet_frechet_floor",
        needs="pictures eyes",
        whole=True,
        taken=lambda h: h.imagenet_frechet(),
    ),
    "imagenet_frechet_floor": Measure(
        "Fréchet distance of real pictures, ImageNet's features",
        IMAGENET + "as many training pictures",
        ".1f",
        needs="pictures eyes",
        whole=True,
        taken=lambda h: h.real["floor"],
        shown=False,
    ),
    "precision": Measure(
        "Precision of samples", "share of samples that lie among real pictures" + AMONG, ".1%", "higher"
    ),
    "recall": Measure("Recall of samples", "share of real pictures that lie among samples" + AMONG, ".1%", "higher"),
    "density": Measure(
        "Density of samples",
        "how densely real pictures lie around samples, about 1 for real ones" + AMONG,
        ".2f",
        1,
        "real pictures: about 1",
    ),
    "coverage": Measure("Coverage by samples", "share of real pictures with a sample nearby" + AMONG, ".1%", "higher"),
    "group_error": Measure(
        "Error of the worst class over the best's",
        "error of the class that the model reconstructs worst over that of the one it reconstructs best; their "
        "standard errors are at most {unsure:.2g}",
        ".2f",
        1,
        "as good for all: 1",
    ),
    "group_share": Measure(
        "The rarest class in training",
        "share of the training pictures that are of the rarest class",
        ".1%",
        "",
        "see the table of groups",
    ),
    "modes": Measure("Modes that samples reach", "of {modes}, those that samples reach ({who})", ".0f", "higher"),
    "good_samples": Measure(
        "Samples near a mode", "share of samples within 3 standard deviations of a mode", ".1%", "higher"
    ),
    "modes_kl": Measure(
        "Samples' triples and even ones (nats)",
        "KL in nats of the samples' triples from uniform ones",
        ".2f",
        "lower",
        "even ones: 0",
    ),
    "posterior_kl": Measure(
        "Posterior and the true one (nats)",
        "mean KL in nats of q(z|x) from the true p(z|x), which is known",
        ".3f",
        "lower",
        "the true one: 0",
    ),
}

# of a translator, each way, and of the two answers that need no model; taken together by translation.py
TRANSLATIONS = {
    "mse": Measure("Error (MSE)", "mean squared error of the {what} and the truth", ".4f", "lower", short="MSE"),
    "ssim": Measure(
        "SSIM", "structural similarity of the {what} and the truth, at most 1", ".3f", "higher", short="SSIM"
    ),
    "class": Measure(
        "Right class",
        "share in which the classifier gives the {what} the true class",
        ".1%",
        "higher",
        short="right class",
    ),
    "cycle": Measure(
        "Round trip (MSE)", "mean squared error of the round trip", ".4f", "lower", short="round trip, MSE"
    ),
}
