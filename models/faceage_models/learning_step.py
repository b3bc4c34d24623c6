"""One step of learning, on each of Keras' back ends.

Keras' own `train_on_batch` waits for the device at every step; these hand back scalars that are
still being computed, so that a GPU is given the next step while it works on this one.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from faceage_models.frameworks import import_tensorflow
from faceage_models.keras_backend import training_keras

__all__ = ["Loss", "Step", "learning_step"]

# (model, batch) to the terms of the loss, scalars.
Loss = Callable[[Any, Any], tuple[Any, ...]]
# A batch to the terms of the loss before the step, the back end's scalars.
Step = Callable[[Any], tuple[Any, ...]]


def learning_step(model: Any, loss: Loss, optimizer: Any) -> Step:
    """Make the function that takes one step.

    Args:
        model: a Keras model of the back end in use.
        loss: of the model in training mode on a batch, written in `keras.ops`; its terms are added.
        optimizer: a Keras optimizer, built for the model's trainable variables.
    """
    makers = {"tensorflow": _on_tensorflow, "torch": _on_torch, "jax": _on_jax}
    return makers[training_keras().backend.backend()](model, loss, optimizer)


def _on_tensorflow(model: Any, loss: Loss, optimizer: Any) -> Step:
    tf = import_tensorflow()

    def step(batch: Any) -> tuple[Any, ...]:
        with tf.GradientTape() as tape:
            terms = loss(model, batch)
            whole = tf.add_n(list(terms))
        variables = model.trainable_variables
        gradients = tape.gradient(whole, variables)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return terms

    compiled: Step = tf.function(step)
    return compiled


def _on_torch(model: Any, loss: Loss, optimizer: Any) -> Step:
    torch: Any = import_module("torch")

    def step(batch: Any) -> tuple[Any, ...]:
        model.zero_grad()
        terms = loss(model, batch)
        torch.stack(terms).sum().backward()
        variables = model.trainable_variables
        with torch.no_grad():
            optimizer.apply([variable.value.grad for variable in variables], variables)
        return tuple(term.detach() for term in terms)

    return step


def _on_jax(model: Any, loss: Loss, optimizer: Any) -> Step:
    jax: Any = import_module("jax")
    keras = training_keras()
    learning, others = model.trainable_variables, model.non_trainable_variables

    def whole(values: Any, rest: Any, batch: Any) -> tuple[Any, Any]:
        known = [*zip(learning, values, strict=True), *zip(others, rest, strict=True)]
        with keras.StatelessScope(state_mapping=known) as scope:
            terms = loss(model, batch)
        return sum(terms), (terms, [scope.get_current_value(one) for one in others])

    def update(values: Any, rest: Any, state: Any, batch: Any) -> tuple[Any, ...]:
        gradient = jax.value_and_grad(whole, has_aux=True)
        (_, (terms, rest)), slopes = gradient(values, rest, batch)
        values, state = optimizer.stateless_apply(state, slopes, values)
        return values, rest, state, terms

    compiled = jax.jit(update)
    groups = learning, others, optimizer.variables

    def step(batch: Any) -> tuple[Any, ...]:
        values = [[variable.value for variable in group] for group in groups]
        *values, terms = compiled(*values, batch)
        for group, news in zip(groups, values, strict=True):
            for variable, new in zip(group, news, strict=True):
                variable.assign(new)
        found: tuple[Any, ...] = terms
        return found

    return step
