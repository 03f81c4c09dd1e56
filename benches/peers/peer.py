"""The PyTorch half of benches/peers/run: the same networks, losses, optimisers, batches and crops.

check THREADS DIR                   compares its results with those exported by this program; counts parameters and operations
time THREADS DIR SECONDS CASE=FORM  times each case in one form, prints JSON

Forms: plain (resize and a 5x5 convolution), folded (3x3 convolution to four times the channels and a pixel shuffle); with
"+last" in NHWC order, with "+compile" through torch.compile."""

import copy
import json
import math
import pathlib
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

SLOPE, EPSILON = 0.2, 1e-3
FRAME, FRAME_STEPS, ROWS = 512, 20, 64


def values(folder, name, shape):
    return torch.from_numpy(np.fromfile(folder / f"{name}.f32", dtype=np.float32).reshape(shape).copy())


def weights(folder, name, listed):
    flat = np.fromfile(folder / f"{name}.f32", dtype=np.float32)
    found, at = {}, 0
    for key, shape in listed:
        n = math.prod(shape)
        found[key] = torch.from_numpy(flat[at : at + n].reshape(shape).copy())
        at += n
    return found


def fold_matrix():
    """Maps the 25 taps of a 5x5 kernel on an upsampled map to the 9 taps of each of the 4 phases of the output."""
    fold = torch.zeros(25, 36)
    for ky in range(5):
        for kx in range(5):
            for py in range(2):
                for px in range(2):
                    ty, tx = (py + ky - 2) // 2 + 1, (px + kx - 2) // 2 + 1
                    fold[ky * 5 + kx, (py * 2 + px) * 9 + ty * 3 + tx] = 1.0
    return fold


FOLD = fold_matrix()


class Up(nn.Module):
    """Doubles height and width with a 5x5 kernel."""

    def __init__(self, weight, bias, folded):
        super().__init__()
        self.weight, self.bias, self.folded = nn.Parameter(weight), nn.Parameter(bias), folded
        self.frozen = None

    def fold(self):
        o, i = self.weight.shape[:2]
        weight = (self.weight.reshape(o * i, 25) @ FOLD).reshape(o, i, 4, 9)
        return weight.transpose(1, 2).reshape(4 * o, i, 3, 3), self.bias.repeat_interleave(4)

    def freeze(self, last):
        """Folds once, for constant weights."""
        if self.folded:
            with torch.no_grad():
                weight, bias = self.fold()
            self.frozen = weight.contiguous(memory_format=torch.channels_last) if last else weight.contiguous(), bias

    def forward(self, x, leaky=True):
        if self.folded:
            weight, bias = self.frozen or self.fold()
            y = F.conv2d(x, weight, bias, padding=1)
            return F.pixel_shuffle(F.leaky_relu(y, SLOPE) if leaky else y, 2)
        y = F.conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), self.weight, self.bias, padding=2)
        return F.leaky_relu(y, SLOPE) if leaky else y


def norm(w, prefix, momentum=0.2):
    layer = nn.BatchNorm2d(len(w[f"{prefix}.gamma"]), eps=EPSILON, momentum=momentum)
    with torch.no_grad():
        layer.weight.copy_(w[f"{prefix}.gamma"])
        layer.bias.copy_(w[f"{prefix}.beta"])
        layer.running_mean.copy_(w[f"{prefix}.running_mean"])
        layer.running_var.copy_(w[f"{prefix}.running_variance"])
    return layer


def dense(w):
    layer = nn.Linear(*w["dense.weight"].shape)
    with torch.no_grad():
        layer.weight.copy_(w["dense.weight"].T)
        layer.bias.copy_(w["dense.bias"])
    return layer


class Generator(nn.Module):
    def __init__(self, w, folded):
        super().__init__()
        self.dense, self.norm = dense(w), norm(w, "norm")
        count = len({key.split(".")[1] for key in w if key.startswith("up.")})
        self.up = nn.ModuleList(Up(w[f"up.{i}.conv.weight"], w[f"up.{i}.conv.bias"], folded) for i in range(count))
        self.norms = nn.ModuleList(norm(w, f"up.{i}.norm") for i in range(count))
        self.out = Up(w["out.weight"], w["out.bias"], folded)
        self.order = torch.contiguous_format

    def freeze(self, last):
        self.eval().requires_grad_(False)
        for up in [*self.up, self.out]:
            up.freeze(last)

    def forward(self, z):
        x = self.dense(z).reshape(len(z), -1, 4, 4).contiguous(memory_format=self.order)
        x = self.norm(F.leaky_relu(x, SLOPE))
        for up, layer in zip(self.up, self.norms):
            x = layer(up(x))
        return self.out(x, leaky=False).tanh()


class Discriminator(nn.Module):
    def __init__(self, w):
        super().__init__()
        count = len({key.split(".")[1] for key in w if key.startswith("down.")})
        self.down, self.norms = nn.ModuleList(), nn.ModuleList()
        for i in range(count):
            weight = w[f"down.{i}.conv.weight"]
            conv = nn.Conv2d(weight.shape[1], weight.shape[0], 5, stride=2, padding=2)
            with torch.no_grad():
                conv.weight.copy_(weight)
                conv.bias.copy_(w[f"down.{i}.conv.bias"])
            self.down.append(conv)
            self.norms.append(norm(w, f"down.{i}.norm") if f"down.{i}.norm.gamma" in w else nn.Identity())
        self.dense = dense(w)

    def forward(self, x):
        for conv, layer in zip(self.down, self.norms):
            x = layer(F.leaky_relu(conv(x), SLOPE))
        return self.dense(x.flatten(1))


class Critic(nn.Module):
    """Two scales, joined at the finer one. Freezing folds the norms into the convolutions."""

    SHAPES = [
        ("fine.0", 2, 1), ("fine.1", 2, 1), ("fine.2", 1, 1), ("fine.3", 1, 2),
        ("coarse.0", 2, 1), ("coarse.1", 1, 2), ("coarse.2", 1, 4), ("join_fine", 1, 1),
    ]

    def __init__(self, w):
        super().__init__()
        self.convs, self.norms = nn.ModuleDict(), nn.ModuleDict()
        for name, stride, dilation in self.SHAPES:
            self.add(name, w, f"{name}.conv", stride, dilation)
            self.norms[name.replace(".", "_")] = norm(w, f"{name}.norm", 0.1)
        for name in ["join_coarse", "last"]:
            self.add(name, w, name, 1, 1)
        self.register_buffer("light", w["light"])

    def add(self, name, w, key, stride, dilation):
        weight = w[f"{key}.weight"]
        o, i, k, _ = weight.shape
        conv = nn.Conv2d(i, o, k, stride=stride, padding=dilation * (k // 2), dilation=dilation)
        with torch.no_grad():
            conv.weight.copy_(weight)
            conv.bias.copy_(w[f"{key}.bias"])
        self.convs[name.replace(".", "_")] = conv

    @torch.no_grad()
    def freeze(self):
        self.eval().requires_grad_(False)
        for name, layer in self.norms.items():
            factor = layer.weight / (layer.running_var + layer.eps).sqrt()
            conv = self.convs[name]
            conv.weight.mul_(factor.reshape(-1, 1, 1, 1))
            conv.bias.mul_(factor).add_(layer.bias - layer.running_mean * factor)
            if name == "join_fine":
                other, four = self.convs["join_coarse"], factor.repeat_interleave(4)
                other.weight.mul_(four.reshape(-1, 1, 1, 1))
                other.bias.mul_(four)
            self.norms[name] = nn.Identity()

    def step(self, name, x):
        name = name.replace(".", "_")
        y = self.norms[name](self.convs[name](x))
        return F.leaky_relu(y, SLOPE, inplace=not self.training)

    def forward(self, x):
        x = (x - self.light[0]) / (self.light[1] * 3.0)
        for i in range(4):
            x = self.step(f"fine.{i}", x)
        coarse = x
        for i in range(3):
            coarse = self.step(f"coarse.{i}", coarse)
        joined = self.convs["join_fine"](x) + F.pixel_shuffle(self.convs["join_coarse"](coarse), 2)
        features = F.leaky_relu(self.norms["join_fine"](joined), SLOPE, inplace=not self.training)
        return self.convs["last"](features), features


class Cases:
    """Sets up cases from the exported networks."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.export = json.loads((self.folder / "export.json").read_text())

    def generator(self, name, form):
        g = Generator(weights(self.folder, f"{name} g", self.export[name]["g"]["weights"]), "folded" in form)
        if "+last" in form:
            g.order = torch.channels_last
            g = g.to(memory_format=torch.channels_last)
        return g

    def discriminator(self, name, form):
        d = Discriminator(weights(self.folder, f"{name} d", self.export[name]["d"]["weights"]))
        return d.to(memory_format=torch.channels_last) if "+last" in form else d

    def critic(self, form):
        c = Critic(weights(self.folder, "critic c", self.export["critic"]["c"]["weights"]))
        return c.to(memory_format=torch.channels_last) if "+last" in form else c

    def get(self, name, what):
        return values(self.folder, f"{name} {what}", self.export[name][what])

    def begin(self, case, form):
        """Returns a function that runs the case once."""
        parts = case.split()
        if parts[0] == "train":
            return self.train(parts[1], int(parts[2]), form)
        if parts[0] == "z":
            step = self.invert(parts[1], int(parts[2]), form)
            return lambda: step()
        if case == "inspect 64":
            return lambda: self.steps([1], 500, form)
        if case == f"inspect {FRAME}":
            tiles = (1 + -(-(FRAME - 64) // 48)) ** 2
            batches = [min(ROWS, tiles - at) for at in range(0, tiles, ROWS)]
            return lambda: self.steps(batches, FRAME_STEPS, form)
        if parts[:2] == ["critic", "frame"]:
            return self.frame(form)
        return self.train_critic(form)

    def steps(self, batches, count, form):
        begun = [self.invert("laptop", rows, form) for rows in batches]
        for _ in range(count):
            for step in begun:
                step()

    def train(self, name, batch, form):
        g, d = self.generator(name, form), self.discriminator(name, form)
        ema = copy.deepcopy(g)
        of_g = torch.optim.Adam(g.parameters(), lr=1e-3, betas=(0.5, 0.999), eps=1e-7, fused=True)
        of_d = torch.optim.Adam(d.parameters(), lr=2e-4, betas=(0.5, 0.999), eps=1e-7, fused=True)
        all_real = values(self.folder, f"{name} real", [-1, batch, 1, 64, 64])
        z = torch.nn.init.trunc_normal_(torch.empty(len(all_real), batch, 100), 0.0, 0.6, -1.0, 1.0)
        living, old = [[t for t in m.state_dict().values() if t.is_floating_point()] for m in (g, ema)]
        run_g, run_d = g, d
        if "+compile" in form:
            run_g, run_d = torch.compile(g), torch.compile(d)
        count = 0

        def noisy(x):
            return x + 0.1 * torch.randn_like(x)

        def entropy(logits, target):
            return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))

        def step():
            nonlocal count
            i = count % len(all_real)
            count += 1
            real = all_real[i].contiguous(memory_format=g.order)
            fake = run_g(z[i])
            loss_d = entropy(run_d(noisy(real)), 0.9) + entropy(run_d(noisy(fake.detach())), 0.0)
            of_d.zero_grad(set_to_none=True)
            loss_d.backward()
            of_d.step()
            d.requires_grad_(False)
            loss_g = entropy(run_d(noisy(fake)), 1.0)
            of_g.zero_grad(set_to_none=True)
            loss_g.backward()
            of_g.step()
            d.requires_grad_(True)
            torch._foreach_lerp_(old, living, 0.01)
            return loss_d.item(), loss_g.item()

        return step

    def invert(self, name, rows, form, start=None, targets=None):
        key = (name, form)
        if getattr(self, "kept", (None,))[0] != key:
            g = self.generator(name, form)
            g.freeze("+last" in form)
            self.kept = (key, torch.compile(g) if "+compile" in form else g)
        g = self.kept[1]
        if start is None:
            start = torch.nn.init.trunc_normal_(torch.empty(rows, 100), 0.0, 0.6, -1.0, 1.0)
            targets = torch.rand(rows, 1, 64, 64) - 0.5
        z = start.clone().requires_grad_()
        rule = torch.optim.SGD([z], lr=1e-4, momentum=0.8)

        def step():
            losses = (targets - g(z)).abs().flatten(1).sum(1)
            rule.zero_grad(set_to_none=True)
            losses.sum().backward()
            rule.step()
            with torch.no_grad():
                z.clamp_(-1.0, 1.0)
            return losses.tolist()

        return step

    def frame(self, form):
        critic = self.critic(form)
        critic.freeze()
        frame = torch.rand(1, 1, FRAME, FRAME) - 0.5
        if "+last" in form:
            frame = frame.contiguous(memory_format=torch.channels_last)
        run = torch.compile(critic) if "+compile" in form else critic

        def step():
            with torch.inference_mode():
                return run(frame)

        return step

    def train_critic(self, form):
        export = self.export["critic"]
        critic = self.critic(form).train()
        average = copy.deepcopy(critic)
        rule = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.9, 0.999), eps=1e-7, fused=True)
        batch, crop = export["batch"], export["crop"]
        crops = torch.rand(4, batch, 1, crop, crop) - 0.5
        wanted = (torch.rand(4, batch, 1, crop // 4, crop // 4) > 0.95).float()
        weight = torch.tensor([export["positive_weight"]])
        living, old = [[t for t in m.state_dict().values() if t.is_floating_point()] for m in (critic, average)]
        run = torch.compile(critic) if "+compile" in form else critic
        order = torch.channels_last if "+last" in form else torch.contiguous_format
        count = 0

        def step():
            nonlocal count
            i = count % len(crops)
            count += 1
            logits, _ = run(crops[i].contiguous(memory_format=order))
            loss = F.binary_cross_entropy_with_logits(logits, wanted[i], pos_weight=weight)
            rule.zero_grad(set_to_none=True)
            loss.backward()
            rule.step()
            torch._foreach_lerp_(old, living, 0.01)
            return loss.item()

        return step


def median(run, budget):
    """Returns the median time of a call in milliseconds, measured as in main.rs."""
    began = time.perf_counter()

    def once():
        started = time.perf_counter()
        run()
        return (time.perf_counter() - started) * 1e3

    if once() < 500.0:
        for _ in range(3):
            once()
    times = []
    while len(times) < 3 or (time.perf_counter() - began < budget and len(times) < 2000):
        times.append(once())
    return sorted(times)[len(times) // 2]


def numbers(module):
    """Counts weights and running statistics, as Burn does."""
    return sum(t.numel() for t in module.state_dict().values() if t.is_floating_point())


def flops(run):
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


def check(cases):
    def near(what, got, wanted):
        off = float((got - wanted).abs().max() / wanted.abs().max().clamp_min(1e-6))
        if not off < 2e-4:
            sys.exit(f"{what}: the results differ by {off:.1e} of the largest value, so the two halves do not compute the same.")
        return off

    off, counted = {}, {}
    for name in ["laptop", "workbench"]:
        export = cases.export[name]
        for form in ["plain", "folded", "folded+last"]:
            g, d = cases.generator(name, form), cases.discriminator(name, form)
            if (numbers(g), numbers(d)) != (export["g"]["numbers"], export["d"]["numbers"]):
                sys.exit(f"The {name} networks differ in their number of parameters.")
            g.freeze("+last" in form)
            d.eval()
            with torch.no_grad():
                crops = cases.get(name, "crops")
                near(f"{name} {form}: crops of G", g(cases.get(name, "z")), crops)
                near(f"{name} {form}: logits of D", d(crops), cases.get(name, "logits"))
            targets = values(cases.folder, f"{name} targets", crops.shape)
            step = cases.invert(name, len(crops), form, cases.get(name, "z"), targets)
            losses = [step() for _ in range(20)][-1]
            off[f"{name} {form}"] = near(
                f"{name} {form}: the loss after 20 steps of z", torch.tensor(losses), torch.tensor(export["losses"])
            )
        for batch in [16, 64]:
            counted[f"train {name} {batch}"] = flops(cases.begin(f"train {name} {batch}", "folded"))
        for rows in [1, 16, 64]:
            counted[f"z {name} {rows}"] = flops(cases.begin(f"z {name} {rows}", "folded"))
    critic = cases.critic("plain")
    if numbers(critic) != cases.export["critic"]["c"]["numbers"]:
        sys.exit("The critics differ in their number of parameters.")
    critic.freeze()
    with torch.no_grad():
        logits, features = critic(cases.get("critic", "frame"))
    near("logits of the critic", logits, cases.get("critic", "logits"))
    near("features of the critic", features, cases.get("critic", "features"))
    for case in [f"critic frame {FRAME}", "critic train"]:
        counted[case] = flops(cases.begin(case, "plain"))
    return {"off": off, "flops": counted}


def main():
    torch.set_num_threads(int(sys.argv[2]))
    torch.set_num_interop_threads(1)
    torch.manual_seed(1)
    cases = Cases(sys.argv[3])
    if sys.argv[1] == "check":
        print(json.dumps(check(cases)))
        return
    budget, found = float(sys.argv[4]), {}
    for pair in sys.argv[5:]:
        case, form = pair.split("=")
        try:
            found[pair] = median(cases.begin(case, form), budget)
        except Exception as error:  # a missing compiler must not prevent the other measurements
            print(f"{pair}: {type(error).__name__}: {str(error).splitlines()[0]}", file=sys.stderr)
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads(), "ms": found}))


main()
