"""AL-ResNet: a ResNet50V2 with a second branch that looks at local regions one after another.

After Zhang et al., "Fine-grained age estimation in the wild with attention LSTM networks",
arXiv:1805.10445: a global branch, and an attention LSTM that visits age-sensitive places of the
feature map. Theirs cuts a region from the picture by coordinates; here each visit is a weighted
mean of the map's places, which needs no cropping inside the graph. The LSTM is written out step by
step with shared layers, so that it exports as FULLY_CONNECTED, LOGISTIC, TANH and MUL.
"""

from typing import Any

__all__ = ["STEPS", "UNITS", "local_branch", "with_attention"]

STEPS = 3
UNITS = 128


def with_attention(keras: Any, features: Any) -> Any:
    """Join the global mean of a feature map with what the local branch saw of it.

    Args:
        keras: Keras 3 or tf_keras.
        features: its tensor (n, height, width, channels).

    Returns:
        A tensor (n, channels + `UNITS`).
    """
    pooled = keras.layers.GlobalAveragePooling2D(name="global_branch")(features)
    local = local_branch(keras, features, pooled)
    return keras.layers.Concatenate(name="global_and_local")([pooled, local])


def local_branch(keras: Any, features: Any, pooled: Any) -> Any:
    """Let an LSTM visit the feature map `STEPS` times.

    Args:
        keras: Keras 3 or tf_keras.
        features: its tensor (n, height, width, channels).
        pooled: its tensor (n, channels), the map's mean, which the LSTM starts from.

    Returns:
        The LSTM's last answer, a tensor (n, `UNITS`), -1 to 1.
    """
    layers = keras.layers
    height, width = features.shape[1:3]
    places = layers.Conv2D(UNITS, 1, name="places")(features)
    where = layers.Dense(height * width, name="where")
    gates = {
        name: (layers.Dense(UNITS, name=f"{name}_seen"), layers.Dense(UNITS, name=f"{name}_state"))
        for name in ("input_gate", "forget_gate", "output_gate", "candidate")
    }
    state = layers.Dense(UNITS, activation="tanh", name="first_state")(pooled)
    memory = layers.Dense(UNITS, activation="tanh", name="first_memory")(pooled)
    for step in range(1, STEPS + 1):
        shares = layers.Softmax(name=f"attention_{step}")(where(state))
        shares = layers.Reshape((height, width, 1), name=f"attention_map_{step}")(shares)
        looked = layers.Multiply(name=f"look_{step}")([places, shares])
        # The mean instead of the sum: a constant factor, which the gates' weights take up.
        seen = layers.GlobalAveragePooling2D(name=f"seen_{step}")(looked)
        seen = layers.Rescaling(float(height * width), name=f"glimpse_{step}")(seen)
        state, memory = _lstm_step(layers, gates, seen, state, memory, step)
    return state


def _lstm_step(
    layers: Any, gates: dict[str, tuple[Any, Any]], seen: Any, state: Any, memory: Any, step: int
) -> tuple[Any, Any]:
    """One step of an LSTM (Hochreiter and Schmidhuber, 1997, with forget gates)."""

    def gate(name: str, activation: str) -> Any:
        from_seen, from_state = gates[name]
        both = layers.Add(name=f"{name}_sum_{step}")([from_seen(seen), from_state(state)])
        return layers.Activation(activation, name=f"{name}_{step}")(both)

    kept = layers.Multiply(name=f"kept_{step}")([gate("forget_gate", "sigmoid"), memory])
    new = layers.Multiply(name=f"new_{step}")(
        [gate("input_gate", "sigmoid"), gate("candidate", "tanh")]
    )
    memory = layers.Add(name=f"memory_{step}")([kept, new])
    bounded = layers.Activation("tanh", name=f"bounded_{step}")(memory)
    state = layers.Multiply(name=f"state_{step}")([gate("output_gate", "sigmoid"), bounded])
    return state, memory
