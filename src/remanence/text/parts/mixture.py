"""Which of some scores stand out: the higher of two Gaussians that they are a mixture of."""

import numpy as np
from numpy.typing import NDArray

from remanence.errors import MissingExtra

SPREAD = 1e-6  # scores that differ by less are one group


def outstanding(scores: NDArray[np.float32]) -> NDArray[np.bool_]:
    """[n], true where the Gaussian with the larger mean is the likelier; the mixture is fitted by expectation and
    maximisation from the largest and the smallest score. None stands out of fewer than two, or when all are alike."""
    try:
        from sklearn.mixture import GaussianMixture
    except ImportError:
        raise MissingExtra("memories that mix or group need scikit-learn: pip install 'remanence[cluster]'") from None
    if len(scores) < 2 or np.ptp(scores) < SPREAD:
        return np.zeros(len(scores), dtype=bool)
    points = scores.astype(np.float64).reshape(-1, 1)
    start = np.array([[points.max()], [points.min()]])
    mixture = GaussianMixture(
        2, means_init=start, init_params="random_from_data", random_state=0, max_iter=1000, reg_covar=1e-6
    )
    labels = mixture.fit_predict(points)
    chosen: NDArray[np.bool_] = labels == int(mixture.means_.argmax())
    return chosen
