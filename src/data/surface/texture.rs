//! The healthy texture of each surface.

use std::f32::consts::{FRAC_PI_2, TAU};

use super::{
    kind::SurfaceKind,
    noise::{Noise, SeededRng, smoothstep},
    relief::{LightSource, Relief},
};

/// Minimum and maximum feed of the turned surface (distance of its grooves) in pixels.
pub(super) const TURNED_FEED: [f32; 2] = [9.0, 10.2];

/// Returns a healthy surface and the mean grey level, 0 to 1, that it is exposed to.
pub(super) fn healthy(kind: SurfaceKind, side: usize, rng: &mut SeededRng) -> (Relief, f32) {
    match kind {
        SurfaceKind::Turned => (turned(side, rng), 0.45),
        SurfaceKind::Milled => (milled(side, rng), 0.46),
        SurfaceKind::Ground => (ground(side, rng), 0.44),
        SurfaceKind::Brushed => (brushed(side, rng), 0.50),
        SurfaceKind::Sintered => (sintered(side, rng), 0.46),
        SurfaceKind::Painted => (painted(side, rng), 0.46),
        SurfaceKind::Anodised => (anodised(side, rng), 0.42),
    }
}

/// Profile of a round-nosed tool over one feed: 0 in the valley of the groove, 1 on the crest.
///
/// `lean` skews the flanks of the crest, since the trailing edge leaves the steeper one. The crest is blunt, as it is
/// burnished.
fn scallop(feeds: f32, lean: f32) -> f32 {
    let f = feeds - feeds.floor();
    let x = 2.0 * (f + lean * (TAU * f).sin() / TAU) - 1.0;
    let sharp = x * x;
    sharp - 0.25 * sharp * sharp * sharp
}

/// Profile of a cutter with two teeth over one feed per tooth: 0 in the deeper valleys and about 1 on the crests. One
/// tooth is set back by `short`, a share of the height.
fn teeth(feeds: f32, short: f32) -> f32 {
    // Rounding of the crests; sharper ones would alias.
    const ROUND: f32 = 0.9;
    let nearest = feeds.round();
    let cut = |tooth: f32| {
        let x = 2.0 * (feeds - tooth);
        x * x + if tooth.rem_euclid(2.0) < 1.0 { 0.0 } else { short }
    };
    let (here, next) = (cut(nearest), cut(nearest - 1.0).min(cut(nearest + 1.0)));
    let overlap = (1.0 - (here - next).abs() / ROUND).max(0.0);
    here.min(next) - 0.25 * ROUND * overlap * overlap
}

fn turned(side: usize, rng: &mut SeededRng) -> Relief {
    let angle = rng.uniform(-2.0, 2.0).to_radians();
    let feed = rng.uniform(TURNED_FEED[0], TURNED_FEED[1]);
    let phase = rng.uniform(0.0, 1.0);
    let depth = rng.uniform(1.35, 1.55);
    // The grooves of a faced part are arcs about a centre far outside the image.
    let bend = 1.0 / rng.uniform(5000.0, 8000.0);
    let (chatter_period, chatter_phase) = (rng.uniform(34.0, 46.0), rng.angle());
    let chatter = rng.uniform(0.06, 0.14);
    let [drift, lines, fine, tears, wear] = std::array::from_fn(|_| Noise::new(rng));
    let light = LightSource {
        azimuth: angle + rng.uniform(-0.15, 0.15),
        elevation: rng.uniform(0.78, 0.86),
        lay: angle + FRAC_PI_2,
        along: 0.10,
        across: 0.26,
        ring: 0.20,
        diffuse: 0.52,
        highlight: 0.62,
        cavity: 0.40,
    };

    let mut relief = Relief::flat(side, light);
    let (cos, sin) = (angle.cos(), angle.sin());
    relief.for_each_point(|x, y, height, albedo, gloss| {
        let (across, along) = (x * cos + y * sin, y * cos - x * sin);
        let u = across + 0.5 * bend * along * along + 0.35 * drift.line(along / 60.0);
        let feeds = u / feed + phase;
        // The phase of the chatter advances with every revolution, so its nodes line up at a slant.
        let beat = (TAU * (along / chatter_period + 0.21 * feeds) + chatter_phase).sin();
        let worn = wear.plane(u / 70.0, along / 90.0);
        let crest = scallop(feeds, 0.35);
        *height = depth * (1.0 + chatter * beat - 0.05 * worn) * crest;
        // Nicks in the tool's edge leave fine lines; a built-up edge tears the crests.
        *height += 0.17 * lines.plane(u * 0.7, along / 130.0);
        *height += 0.08 * fine.plane(u * 1.3, along / 34.0);
        let torn = tears.plane(u / 2.2, along / 5.0);
        *height += 0.14 * smoothstep(0.45, 0.75, crest) * torn;
        *albedo = 1.0 + 0.05 * torn + 0.02 * worn;
        *gloss = 0.85 + 0.35 * smoothstep(0.4, 0.75, crest) + 0.1 * worn;
    });
    relief
}

fn milled(side: usize, rng: &mut SeededRng) -> Relief {
    let angle = rng.uniform(-4.0, 4.0).to_radians();
    let radius = rng.uniform(215.0, 245.0);
    let feed = rng.uniform(11.5, 13.5);
    // Neighbouring passes overlap: each is narrower than the cutter.
    let pass = radius * 1.45;
    let offset = rng.uniform(0.0, pass);
    let phase = rng.uniform(0.0, 1.0);
    let [lines, back_lines, fine, uneven, burr] = std::array::from_fn(|_| Noise::new(rng));
    let light = LightSource {
        azimuth: angle + rng.uniform(-0.25, 0.25) + 0.5,
        elevation: rng.uniform(0.80, 0.88),
        lay: 0.0,
        along: 0.25,
        across: 0.25,
        ring: 0.20,
        diffuse: 0.50,
        highlight: 0.55,
        cavity: 0.40,
    };

    let mut relief = Relief::flat(side, light);
    let (cos, sin) = (angle.cos(), angle.sin());
    relief.for_each_point(|x, y, height, albedo, gloss| {
        let (forward, sideways) = (x * cos + y * sin, y * cos - x * sin);
        let passes = (sideways + offset) / pass;
        let lane = passes.floor();
        let off_axis = (passes - lane - 0.5) * pass;
        let bow = (radius * radius - off_axis * off_axis).max(0.0).sqrt();
        // Each pass starts at its own phase.
        let start = phase + 0.618 * lane;
        let front = (forward - bow) / feed + start;
        let back = (forward + bow) / feed - start;
        let swept = off_axis / radius * 60.0;
        let uneven = uneven.plane(forward / 60.0, sideways / 60.0);
        let cut = 1.65 * teeth(front, 0.22);
        // The trailing side of the cutter rubs lightly over the marks of the leading side.
        let rub = 0.26 * (1.0 + 0.9 * uneven) * teeth(back, 0.3);
        *height = cut + rub;
        *height += 0.16 * lines.plane(front * feed * 0.75, swept / 9.0 + lane * 31.0);
        *height += 0.05 * back_lines.plane(back * feed * 0.8, swept / 7.0 + lane * 17.0);
        let grain = fine.plane(front * feed / 1.6, swept / 1.5);
        *height += 0.04 * grain;
        // The edge of a pass is a thin step with a burr.
        let edge = off_axis.abs() - pass / 2.0 + 2.2 + 0.6 * burr.line(forward / 7.0);
        *height += 0.7 * smoothstep(0.0, 2.0, edge);
        *albedo = 1.0 + 0.04 * grain + 0.03 * uneven;
        *gloss = 0.9 + 0.25 * smoothstep(0.7, 1.2, cut);
    });
    relief
}

fn ground(side: usize, rng: &mut SeededRng) -> Relief {
    let angle = rng.uniform(-2.0, 2.0).to_radians();
    let [body, fine, cloud, mottle] = std::array::from_fn(|_| Noise::new(rng));
    let light = LightSource {
        azimuth: angle + FRAC_PI_2 + rng.uniform(-0.2, 0.2),
        elevation: rng.uniform(0.98, 1.06),
        lay: angle,
        along: 0.12,
        across: 0.22,
        ring: 0.24,
        diffuse: 0.45,
        highlight: 0.60,
        cavity: 0.50,
    };

    let mut relief = Relief::flat(side, light);
    let (cos, sin) = (angle.cos(), angle.sin());
    relief.for_each_point(|x, y, height, albedo, gloss| {
        let (along, across) = (x * cos + y * sin, y * cos - x * sin);
        *height = 0.12 * body.plane(along / 160.0, across / 3.4);
        *height += 0.05 * fine.plane(along / 90.0, across / 1.5);
        let cloud = cloud.plane(along / 120.0, across / 45.0);
        *albedo = 1.0 + 0.03 * cloud + 0.03 * mottle.plane(along / 6.0, across / 2.0);
        *gloss = 1.0 + 0.08 * cloud;
    });

    // Each abrasive grain ploughs a line of random length, width and depth.
    let reach = side as f32 / 2.0 + 60.0;
    let grains = (4.0 * reach * reach / 75.0) as usize;
    for _ in 0..grains {
        let deep = rng.chance(0.05);
        relief.plough(&Stroke {
            middle: [rng.uniform(-reach, reach), rng.uniform(-reach, reach)],
            slope: (angle + 0.010 * rng.normal()).tan(),
            length: rng.log_uniform(50.0, if deep { 400.0 } else { 300.0 }),
            half_width: if deep { rng.uniform(1.3, 2.2) } else { rng.log_uniform(0.95, 1.5) },
            depth: if deep { rng.uniform(0.4, 0.8) } else { rng.log_uniform(0.08, 0.42) },
            rim: 0.35,
        });
    }
    relief
}

fn brushed(side: usize, rng: &mut SeededRng) -> Relief {
    let angle = rng.uniform(-2.0, 2.0).to_radians();
    let bands: [Noise; 5] = std::array::from_fn(|_| Noise::new(rng));
    let [sheen, gleam, speck] = std::array::from_fn(|_| Noise::new(rng));
    let light = LightSource {
        azimuth: angle + FRAC_PI_2 + rng.uniform(-0.15, 0.15),
        elevation: rng.uniform(0.95, 1.05),
        lay: angle,
        along: 0.08,
        across: 0.27,
        ring: 0.22,
        diffuse: 0.36,
        highlight: 0.62,
        cavity: 0.45,
    };

    let mut relief = Relief::flat(side, light);
    let (cos, sin) = (angle.cos(), angle.sin());
    // Width, length and height of the streaks in pixels, from single bristles to the whole pad.
    let streaks =
        [(1.2, 140.0, 0.075), (2.3, 260.0, 0.13), (4.6, 420.0, 0.20), (10.0, 600.0, 0.30), (24.0, 900.0, 0.45)];
    relief.for_each_point(|x, y, height, albedo, gloss| {
        let (along, across) = (x * cos + y * sin, y * cos - x * sin);
        for (band, (width, length, amplitude)) in bands.iter().zip(streaks) {
            *height += amplitude * band.plane(along / length, across / width);
        }
        let sheen = sheen.plane(along / 500.0, across / 34.0);
        let gleam = gleam.plane(along / 320.0, across / 5.5);
        *albedo = 1.0 + 0.045 * gleam + 0.02 * speck.plane(along / 7.0, across / 1.6);
        *gloss = 1.0 + 0.28 * sheen + 0.20 * gleam;
    });

    let reach = side as f32 / 2.0 + 80.0;
    let bristles = (4.0 * reach * reach / 620.0) as usize;
    for _ in 0..bristles {
        relief.plough(&Stroke {
            middle: [rng.uniform(-reach, reach), rng.uniform(-reach, reach)],
            slope: (angle + 0.005 * rng.normal()).tan(),
            length: rng.log_uniform(60.0, 360.0),
            half_width: rng.log_uniform(0.8, 2.2),
            depth: rng.sign() * rng.log_uniform(0.05, 0.30),
            rim: 0.2,
        });
    }
    relief
}

/// Excess of red and of blue of the orange paint, and of the blue anodised layer.
const PAINT: [f32; 2] = [0.34, -0.60];
const ANODISED: [f32; 2] = [-0.22, 0.66];

fn painted(side: usize, rng: &mut SeededRng) -> Relief {
    let batch = [0, 1].map(|_| rng.uniform(-0.02, 0.02));
    let [peel, ripple, flakes, glint, cloud] = std::array::from_fn(|_| Noise::new(rng));
    let light = LightSource {
        azimuth: rng.angle(),
        elevation: rng.uniform(0.9, 1.05),
        lay: 0.0,
        along: 0.16,
        across: 0.16,
        ring: 0.30,
        diffuse: 0.40,
        highlight: 0.30,
        cavity: 0.3,
    };
    let mut relief = Relief::flat(side, light);
    let mut hue = Vec::with_capacity(side * side);
    relief.for_each_point(|x, y, height, albedo, gloss| {
        *height = 0.42 * peel.plane(x / 9.0, y / 9.0) + 0.16 * ripple.plane(x / 4.3, y / 4.3);
        // Flakes of a pixel or two that lie so that they reflect the light.
        let flake = smoothstep(0.35, 0.75, flakes.plane(x / 1.4, y / 1.4));
        *albedo = 1.0 + 0.30 * flake + 0.06 * glint.plane(x / 1.1, y / 1.1);
        *gloss = 1.0 + 0.8 * flake;
        let paler = 1.0 - 0.35 * flake;
        let drift = 0.02 * cloud.plane(x / 60.0, y / 60.0);
        hue.push([0, 1].map(|c| (PAINT[c] + batch[c] + drift) * paler));
    });
    relief.hue = hue;
    relief
}

fn anodised(side: usize, rng: &mut SeededRng) -> Relief {
    let mut relief = brushed(side, rng);
    let batch = [0, 1].map(|_| rng.uniform(-0.02, 0.02));
    let [bath, streak] = std::array::from_fn(|_| Noise::new(rng));
    let mut hue = Vec::with_capacity(side * side);
    relief.for_each_point(|x, y, _, _, _| {
        let drift = 0.02 * bath.plane(x / 70.0, y / 70.0) + 0.02 * streak.plane(x / 160.0, y / 3.0);
        hue.push([0, 1].map(|c| ANODISED[c] + batch[c] + drift));
    });
    relief.hue = hue;
    relief
}

/// Reflectance of the dark grains of sintered carbon, lowest and highest.
pub(super) const GRAIN_ALBEDO: [f32; 2] = [0.30, 0.62];

fn sintered(side: usize, rng: &mut SeededRng) -> Relief {
    let angle = rng.uniform(-0.4, 0.4);
    let [powder, lumps, cloud, rough] = std::array::from_fn(|_| Noise::new(rng));
    let light = LightSource {
        azimuth: rng.angle(),
        elevation: rng.uniform(0.95, 1.1),
        lay: angle,
        along: 0.25,
        across: 0.25,
        ring: 0.45,
        diffuse: 0.45,
        highlight: 0.06,
        cavity: 0.25,
    };

    let mut relief = Relief::flat(side, light);
    relief.defects = 1.6;
    relief.for_each_point(|x, y, height, albedo, _| {
        *height = 0.10 * rough.plane(x / 1.7, y / 1.7);
        *albedo = 1.0
            + 0.16 * powder.plane(x / 1.2, y / 1.2)
            + 0.12 * lumps.plane(x / 3.1, y / 2.6)
            + 0.05 * cloud.plane(x / 70.0, y / 90.0);
    });
    let half = side as f32 / 2.0;
    let grains = (side * side) as f32 / 110.0;
    for _ in 0..grains as usize {
        let long = rng.log_uniform(1.6, 7.0);
        relief.grain(&Grain {
            middle: [rng.uniform(-half, half), rng.uniform(-half, half)],
            heading: angle + 0.6 * rng.normal(),
            axes: [long, rng.uniform(0.8, 1.5)],
            albedo: rng.uniform(GRAIN_ALBEDO[0], GRAIN_ALBEDO[1]),
            outline: Noise::new(rng),
        });
    }
    // About two pale blotches in 256 by 256 pixels.
    let blotches = rng.uniform(0.0, 4.4) * (side * side) as f32 / 65_536.0 + rng.uniform(0.0, 0.6);
    for _ in 0..blotches as usize {
        let long = rng.log_uniform(2.0, 7.0);
        relief.grain(&Grain {
            middle: [rng.uniform(-half, half), rng.uniform(-half, half)],
            heading: rng.angle(),
            axes: [long, long * rng.uniform(0.4, 1.0)],
            albedo: rng.uniform(1.35, 1.8),
            outline: Noise::new(rng),
        });
    }
    // Beyond its ragged sides lies the dark holder.
    let [left, right, broken] = std::array::from_fn(|_| Noise::new(rng));
    let widths = [0, 1].map(|_| rng.uniform(0.01, 0.06) * side as f32);
    relief.for_each_point(|x, y, height, albedo, _| {
        for (inside, width, edge) in [(x + half, widths[0], left), (half - x, widths[1], right)] {
            let ragged = width + 2.2 * edge.line(y / 19.0) + 1.3 * broken.line(y / 3.7 + x.signum() * 500.0);
            let outside = smoothstep(ragged + 0.8, ragged - 0.8, inside);
            *albedo *= 1.0 - 0.45 * outside;
            *height -= 1.2 * outside;
        }
    });
    relief
}

/// A spot of another reflectance with a wavy outline.
struct Grain {
    /// In pixels from the middle of the image.
    middle: [f32; 2],
    heading: f32,
    /// Half-axes in pixels, the longer first.
    axes: [f32; 2],
    albedo: f32,
    outline: Noise,
}

/// A straight, tapering furrow that runs roughly along x.
struct Stroke {
    /// In pixels from the middle of the image.
    middle: [f32; 2],
    /// Rise over run.
    slope: f32,
    length: f32,
    half_width: f32,
    /// Depth below the surface; negative for a ridge.
    depth: f32,
    /// Height of the rims as a share of the depth.
    rim: f32,
}

impl Relief {
    fn grain(&mut self, grain: &Grain) {
        let half = self.side as f32 / 2.0;
        let (sin, cos) = grain.heading.sin_cos();
        let reach = 1.6 * grain.axes[0] + 1.0;
        let span = |centre: f32| {
            let clip = |v: f32| (v + half).clamp(0.0, self.side as f32) as usize;
            clip(centre - reach)..clip(centre + reach + 1.0)
        };
        let (rows, columns) = (span(grain.middle[1]), span(grain.middle[0]));
        for row in rows {
            for column in columns.clone() {
                let (x, y) = (column as f32 - half - grain.middle[0], row as f32 - half - grain.middle[1]);
                let (u, v) = ((x * cos + y * sin) / grain.axes[0], (y * cos - x * sin) / grain.axes[1]);
                let wave = 1.0 + 0.35 * grain.outline.plane(x / 2.0, y / 2.0);
                let amount = smoothstep(1.25, 0.6, u.hypot(v) / wave);
                self.albedo[row * self.side + column] *= 1.0 + (grain.albedo - 1.0) * amount;
            }
        }
    }

    fn plough(&mut self, stroke: &Stroke) {
        let (side, middle) = (self.side, self.side as f32 / 2.0);
        let half = stroke.length / 2.0;
        let last = side as f32 - 1.0;
        let (from, to) = (stroke.middle[0] - half + middle, stroke.middle[0] + half + middle);
        if to < 0.0 || from > last {
            return;
        }
        let reach = FURROW_REACH * stroke.half_width;
        for column in from.max(0.0) as usize..=to.min(last) as usize {
            let run = column as f32 - middle - stroke.middle[0];
            let centre = stroke.middle[1] + run * stroke.slope + middle;
            let (top, bottom) = (centre - reach, centre + reach);
            if bottom < 0.0 || top > last {
                continue;
            }
            let end = 1.0 - (run / half).powi(2);
            let depth = stroke.depth * end.max(0.0);
            for row in top.ceil().max(0.0) as usize..=bottom.min(last) as usize {
                let d = (row as f32 - centre).abs() / stroke.half_width;
                self.height[row * side + column] += depth * furrow(d, stroke.rim);
            }
        }
    }
}

/// Extent of a furrow's profile in half-widths.
pub(super) const FURROW_REACH: f32 = 2.2;

/// Profile of a furrow of depth 1 at `d` half-widths from its centre line, with rims of height `rim` at about 1.5.
/// Smooth, so that a slanted furrow one pixel wide does not break into beads.
pub(super) fn furrow(d: f32, rim: f32) -> f32 {
    let core = (1.0 - (d / 1.6).powi(2)).max(0.0);
    let bump = (1.0 - ((d - 1.5) / 0.7).powi(2)).max(0.0);
    rim * bump * bump - core * core * core
}
