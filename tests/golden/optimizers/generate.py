#!/usr/bin/env python3
"""Writes cases.json: what optimizers do to two parameters over four updates with given gradients.

Needs PyTorch. Numbers come from torch.optim wherever it has the rule; the others are written out in
NumPy below, from the papers' formulas, sharing no code with the server. Finite differences cannot see
a wrong bias correction, so these numbers are what the optimizers are held to.
"""

import json
import math
import pathlib

import numpy as np
import torch

W = [0.5, -1.25, 2.0]
B = [0.1, -0.3]
GRADIENTS = [
    ([0.4, -1.5, 0.02], [2.0, -0.7]),
    ([-0.3, 0.9, 0.05], [1.0, 0.0]),
    ([1.1, 0.2, -0.6], [-0.5, 0.25]),
    ([0.0, -2.5, 0.3], [0.75, 3.0]),
]

cases = []


def add(name, optimizer, steps, state):
    cases.append({"name": name, "optimizer": optimizer, "updates": steps, "state": state})


def parameters():
    return [torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in (W, B)]


def run_torch(name, text, make, slots, scheduler=None, clip=None):
    """slots: from our name of a slot to torch's, or a function of torch's state."""
    w, b = parameters()
    optimizer = make([w, b])
    schedule = scheduler(optimizer) if scheduler else None
    steps = []
    for gw, gb in GRADIENTS:
        w.grad, b.grad = torch.tensor(gw, dtype=torch.float64), torch.tensor(gb, dtype=torch.float64)
        if clip:
            clip([w, b])
        optimizer.step()
        if schedule:
            schedule.step()
        steps.append({"w": w.tolist(), "b": b.tolist()})

    def slot(p, theirs):
        value = theirs(optimizer.state[p]) if callable(theirs) else optimizer.state[p][theirs]
        return value.expand_as(p).tolist()

    state = {ours: {"w": slot(w, theirs), "b": slot(b, theirs)} for ours, theirs in slots.items()}
    add(name, text, steps, state)


def run_numpy(name, text, update, slots):
    """update(p, g, state, t) changes state and returns the new p."""
    values = {"w": np.array(W), "b": np.array(B)}
    states = {key: {slot: np.zeros_like(p) for slot in slots} for key, p in values.items()}
    steps = []
    for t, gradients in enumerate(GRADIENTS, 1):
        for key, g in zip(values, gradients):
            values[key] = update(values[key], np.array(g), states[key], t)
        steps.append({key: p.tolist() for key, p in values.items()})
    add(name, text, steps, {s: {key: states[key][s].tolist() for key in values} for s in slots})


SGD = torch.optim.SGD
run_torch("sgd", "sgd { learning_rate: 0.1 }", lambda p: SGD(p, lr=0.1), {})
run_torch("momentum", "sgd { learning_rate: 0.1 momentum: 0.9 }", lambda p: SGD(p, lr=0.1, momentum=0.9),
          {"velocity": "momentum_buffer"})
run_torch("dampening", "sgd { learning_rate: 0.1 momentum: 0.9 dampening: 0.4 }",
          lambda p: SGD(p, lr=0.1, momentum=0.9, dampening=0.4), {"velocity": "momentum_buffer"})
run_torch("nesterov", "sgd { learning_rate: 0.1 momentum: 0.9 nesterov: true }",
          lambda p: SGD(p, lr=0.1, momentum=0.9, nesterov=True), {"velocity": "momentum_buffer"})
run_torch("coupled_decay", "sgd { learning_rate: 0.1 momentum: 0.9 } weight_decay { coefficient: 0.05 }",
          lambda p: SGD(p, lr=0.1, momentum=0.9, weight_decay=0.05), {"velocity": "momentum_buffer"})
run_torch("adagrad", "adagrad { learning_rate: 0.1 }", lambda p: torch.optim.Adagrad(p, lr=0.1), {"sum": "sum"})
run_torch("adagrad_decay",
          "adagrad { learning_rate: 0.1 initial_sum: 0.3 learning_rate_decay: 0.2 denominator_epsilon: 1e-6 }",
          lambda p: torch.optim.Adagrad(p, lr=0.1, lr_decay=0.2, initial_accumulator_value=0.3, eps=1e-6), {"sum": "sum"})
RMS = torch.optim.RMSprop
run_torch("rms_prop", "rms_prop { learning_rate: 0.01 }", lambda p: RMS(p, lr=0.01), {"mean_square": "square_avg"})
run_torch("rms_prop_all", "rms_prop { learning_rate: 0.01 decay: 0.9 momentum: 0.5 centered: true denominator_epsilon: 1e-4 }",
          lambda p: RMS(p, lr=0.01, alpha=0.9, momentum=0.5, centered=True, eps=1e-4),
          {"mean_square": "square_avg", "mean": "grad_avg", "velocity": "momentum_buffer"})
run_torch("rms_prop_momentum", "rms_prop { learning_rate: 0.01 decay: 0.9 momentum: 0.5 }",
          lambda p: RMS(p, lr=0.01, alpha=0.9, momentum=0.5), {"mean_square": "square_avg", "velocity": "momentum_buffer"})
run_torch("adadelta", "adadelta {}", lambda p: torch.optim.Adadelta(p),
          {"mean_square": "square_avg", "mean_square_update": "acc_delta"})
run_torch("adadelta_all", "adadelta { learning_rate: 0.5 decay: 0.8 denominator_epsilon: 1e-3 }",
          lambda p: torch.optim.Adadelta(p, lr=0.5, rho=0.8, eps=1e-3),
          {"mean_square": "square_avg", "mean_square_update": "acc_delta"})
ADAM = {"m": "exp_avg", "v": "exp_avg_sq"}
run_torch("adam", "adam { learning_rate: 0.01 }", lambda p: torch.optim.Adam(p, lr=0.01), ADAM)
run_torch("adam_all", "adam { learning_rate: 0.01 beta1: 0.8 beta2: 0.95 adam_epsilon: 0.001 } weight_decay { coefficient: 0.1 }",
          lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1), ADAM)
run_torch("adam_w", "adam { learning_rate: 0.01 } weight_decay { coefficient: 0.1 decoupled: true }",
          lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1), ADAM)
run_torch("amsgrad", "adam { learning_rate: 0.01 beta2: 0.5 amsgrad: true }",
          lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.9, 0.5), amsgrad=True), ADAM | {"v_max": "max_exp_avg_sq"})
run_torch("clip_value", "sgd { learning_rate: 0.1 momentum: 0.9 } clipping { value: 0.5 }",
          lambda p: SGD(p, lr=0.1, momentum=0.9), {"velocity": "momentum_buffer"},
          clip=lambda p: torch.nn.utils.clip_grad_value_(p, 0.5))
run_torch("step_decay", "sgd { learning_rate: 0.1 } schedule { step { period: 2 factor: 0.3 } }", lambda p: SGD(p, lr=0.1), {},
          scheduler=lambda o: torch.optim.lr_scheduler.StepLR(o, step_size=2, gamma=0.3))
run_torch("cosine_decay", "adam { learning_rate: 0.1 } schedule { cosine { period: 5 end_learning_rate: 0.02 } }",
          lambda p: torch.optim.Adam(p, lr=0.1), ADAM,
          scheduler=lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=5, eta_min=0.02))


def scale_down(limit, tensors):
    norm = math.sqrt(sum(float((t.grad**2).sum()) for t in tensors))
    for t in tensors:
        if norm > limit:
            t.grad *= limit / norm


def clip_each(limit):
    def clip(tensors):
        for t in tensors:
            scale_down(limit, [t])
    return clip


run_torch("clip_norm", "sgd { learning_rate: 0.1 } clipping { norm: 1.2 }", lambda p: SGD(p, lr=0.1), {}, clip=clip_each(1.2))
run_torch("clip_global_norm", "sgd { learning_rate: 0.1 } clipping { global_norm: 2 }", lambda p: SGD(p, lr=0.1), {},
          clip=lambda p: scale_down(2, p))


def sum_of_updates(nesterov):
    def update(p, g, state, t):
        state["velocity"] = 0.9 * state["velocity"] - 0.1 * g
        return p + (0.9 * state["velocity"] - 0.1 * g if nesterov else state["velocity"])
    return update


run_numpy("momentum_of_updates", "sgd { learning_rate: 0.1 momentum: 0.9 momentum_form: MOMENTUM_FORM_UPDATES }",
          sum_of_updates(False), ["velocity"])
run_numpy("nesterov_of_updates",
          "sgd { learning_rate: 0.1 momentum: 0.9 nesterov: true momentum_form: MOMENTUM_FORM_UPDATES }",
          sum_of_updates(True), ["velocity"])


def plain_decoupled(p, g, state, t):
    return p * (1 - 0.1 * 0.5) - 0.1 * g


run_numpy("decoupled_decay", "sgd { learning_rate: 0.1 } weight_decay { coefficient: 0.5 decoupled: true }", plain_decoupled, [])


def rms_inside(p, g, state, t):
    state["mean_square"] = 0.9 * state["mean_square"] + 0.1 * g * g
    return p - 0.01 * g / np.sqrt(state["mean_square"] + 0.01)


run_numpy("rms_prop_inside_root",
          "rms_prop { learning_rate: 0.01 decay: 0.9 denominator_epsilon: 0.01 epsilon_placement: EPSILON_PLACEMENT_INSIDE_ROOT }",
          rms_inside, ["mean_square"])


def adam_with(step):
    def update(p, g, state, t):
        state["m"] = 0.9 * state["m"] + 0.1 * g
        state["v"] = 0.999 * state["v"] + 0.001 * g * g
        return p - step(state["m"], state["v"], 1 - 0.9**t, 1 - 0.999**t)
    return update


run_numpy("adam_uncorrected", "adam { learning_rate: 0.01 adam_epsilon: 0.01 epsilon_form: ADAM_EPSILON_UNCORRECTED }",
          adam_with(lambda m, v, c1, c2: 0.01 * math.sqrt(c2) / c1 * m / (np.sqrt(v) + 0.01)), ["m", "v"])
run_numpy("adam_inside_root", "adam { learning_rate: 0.01 adam_epsilon: 0.01 epsilon_form: ADAM_EPSILON_INSIDE_ROOT }",
          adam_with(lambda m, v, c1, c2: 0.01 * (m / c1) / np.sqrt(v / c2 + 0.01)), ["m", "v"])

def n_adam(beta1, beta2, epsilon, decay):
    def mu(t):
        return beta1 * (1 - 0.5 * 0.96 ** (t * decay))

    def update(p, g, state, t):
        if t == 1:
            state["mu_product"] = np.ones_like(p)
        state["m"] = beta1 * state["m"] + (1 - beta1) * g
        state["v"] = beta2 * state["v"] + (1 - beta2) * g * g
        state["mu_product"] = state["mu_product"] * mu(t)
        product = state["mu_product"]
        numerator = mu(t + 1) * state["m"] / (1 - product * mu(t + 1)) + (1 - mu(t)) * g / (1 - product)
        return p - 0.01 * numerator / (np.sqrt(state["v"] / (1 - beta2**t)) + epsilon)
    return update


# PyTorch keeps the product of NAdam in float32, so it serves as a check only.
for name, text, arguments in (
    ("n_adam", "n_adam { learning_rate: 0.01 }", (0.9, 0.999, 1e-8, 0.004)),
    ("n_adam_all", "n_adam { learning_rate: 0.01 beta1: 0.8 beta2: 0.9 adam_epsilon: 0.01 momentum_decay: 0.5 }",
     (0.8, 0.9, 0.01, 0.5)),
):
    run_torch(name, text, lambda p: torch.optim.NAdam(p, lr=0.01, betas=arguments[:2], eps=arguments[2],
                                                      momentum_decay=arguments[3]), {})
    theirs = cases.pop()
    run_numpy(name, text, n_adam(*arguments), ["m", "v", "mu_product"])
    for ours, torchs in zip(cases[-1]["updates"], theirs["updates"]):
        assert np.allclose(ours["w"], torchs["w"], rtol=1e-6) and np.allclose(ours["b"], torchs["b"], rtol=1e-6), name

out = pathlib.Path(__file__).with_name("cases.json")
out.write_text(json.dumps({"w": W, "b": B, "gradients": [{"w": w, "b": b} for w, b in GRADIENTS], "cases": cases}, indent=1) + "\n")
