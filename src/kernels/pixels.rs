//! A convolution of maps whose images lie side by side in each pixel: every vector of sums belongs to one pixel, and is
//! written straight to it.

use pulp::{Arch, Simd, WithSimd};

use super::{
    correlate::{Bias, GROUP, TileShape, Weights, is_wide, store, tile},
    geometry::Grid,
    memory::fresh,
    threads::{MULTIPLIED, each},
};

/// What comes out: `[channels, height, width, batch]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Out {
    pub channels: usize,
    pub size: [usize; 2],
    /// Pixels from one position of the grid to the next.
    pub stride: usize,
    /// Pixel shuffle: rows of weights that share a channel, one for each phase.
    pub shuffle: bool,
}

/// The weights of one phase of what comes out, and what they read.
pub(super) struct Phase<'a> {
    pub weights: &'a Weights,
    pub offsets: &'a [u32],
    /// Row and column of the phase's first pixel.
    pub first: [usize; 2],
}

/// `activate(bias + sum of weight * x[position + offset])` for every channel and pixel. Below 0, results are multiplied by
/// `slope`, which is at most 1. The phases have weights of the same outputs.
pub(super) fn correlate(x: &[f32], grid: &Grid, phases: &[Phase<'_>], bias: &Bias, slope: f32, out: Out) -> Vec<f32> {
    let Some(outputs) = phases.iter().map(|p| p.weights.outputs()).max() else { return Vec::new() };
    let (shape, batch) = (TileShape::of(outputs), grid.pixel());
    let line = out.size[1] * batch;
    let plane = out.size[0] * line;
    let mut maps = fresh(out.channels * plane);
    let rows = rows_at_once(grid, shape);
    let every = if out.shuffle { 4 } else { 1 };
    let panels = outputs.div_ceil(shape.rows);
    let blocks = grid.size()[0].div_ceil(rows);
    // Block by block, and for each all panels: what these read stays in the cache.
    let mut items: Vec<Vec<&mut [f32]>> =
        (0..blocks * panels).map(|_| Vec::with_capacity(shape.rows / every)).collect();
    for (c, plane) in maps.chunks_exact_mut(plane).enumerate() {
        for (block, part) in plane.chunks_mut(rows * out.stride * line).enumerate() {
            items[block * panels + c * every / shape.rows].push(part);
        }
    }
    let taps: usize = phases.iter().map(|p| p.offsets.len()).sum();
    let worth = outputs * taps * grid.size()[0] * grid.size()[1] * batch > MULTIPLIED;
    let arch = Arch::new();
    each(items.into_iter().enumerate(), worth, |(i, outs)| {
        let (block, panel) = (i / panels, i % panels);
        arch.dispatch(Run { x, grid, phases, bias, slope, out, rows, first: block * rows, panel, outs });
    });
    maps
}

/// Rows of a grid that are computed together: enough to be worth it, and filling their tiles where some number does.
fn rows_at_once(grid: &Grid, shape: TileShape) -> usize {
    let [height, width] = grid.size();
    let line = width * grid.pixel() / shape.lanes;
    let least = (GROUP * shape.vectors).div_ceil(line.max(1));
    let fills = |rows: &usize| (rows * line).is_multiple_of(shape.vectors);
    (least..least + shape.vectors).find(fills).unwrap_or(least).clamp(1, height.max(1))
}

/// Some rows of one panel's channels.
struct Run<'a> {
    x: &'a [f32],
    grid: &'a Grid,
    phases: &'a [Phase<'a>],
    bias: &'a Bias,
    slope: f32,
    out: Out,
    /// The first row, and how many.
    first: usize,
    rows: usize,
    panel: usize,
    /// The rows of each channel.
    outs: Vec<&'a mut [f32]>,
}

impl Run<'_> {
    /// From where every vector is read, and where it belongs, from the first row on.
    fn places(&self, [ry, rx]: [usize; 2], lanes: usize) -> Vec<[usize; 2]> {
        let Self { grid, out, first, rows, .. } = self;
        let [height, width] = [0, 1].map(|axis| {
            let has = out.size[axis].saturating_sub([ry, rx][axis]).div_ceil(out.stride);
            grid.size()[axis].min(has)
        });
        let mut places = Vec::with_capacity(rows * width * grid.pixel() / lanes);
        for row in *first..(first + rows).min(height) {
            for column in 0..width {
                let from = grid.at(0, row, column);
                let to = ((row - first) * out.stride + ry) * out.size[1] + column * out.stride + rx;
                places.extend((0..grid.pixel()).step_by(lanes).map(|lane| [from + lane, to * grid.pixel() + lane]));
            }
        }
        places
    }

    #[inline(always)]
    fn run<S: Simd, const M: usize, const V: usize>(mut self, simd: S) {
        let (zero, slope) = (simd.splat_f32s(0.0), simd.splat_f32s(self.slope));
        let (pixel, width) = (self.grid.pixel(), self.out.size[1]);
        let every = if self.out.shuffle { 4 } else { 1 };
        for phase in self.phases {
            let places = self.places(phase.first, S::F32_LANES);
            let weights = phase.weights.panel(self.panel);
            for tiles in places.chunks(V) {
                let mut bases = [0; V];
                for (j, base) in bases.iter_mut().enumerate() {
                    *base = tiles[j.min(tiles.len() - 1)][0];
                }
                let mut sums = [[zero; V]; M];
                for (m, sums) in sums.iter_mut().enumerate() {
                    for j in 0..V {
                        sums[j] = simd.splat_f32s(self.bias.at(self.panel * M + m, bases[j] / pixel));
                    }
                }
                let sums = tile::<S, M, V>(simd, self.x, weights, phase.offsets, bases, sums);
                for (m, sums) in sums.iter().enumerate() {
                    let Some(out) = self.outs.get_mut(m / every) else { break };
                    // With a shuffle, the row of weights says which of four pixels it is.
                    let aside = (m % every / 2 * width + m % every % 2) * pixel;
                    for (j, [_, to]) in tiles.iter().enumerate() {
                        let low = simd.mul_f32s(sums[j], slope);
                        store::<S>(&mut out[to + aside..], simd.max_f32s(sums[j], low));
                    }
                }
            }
        }
    }
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match (is_wide::<S>(), self.phases.first().map_or(1, |p| p.weights.rows())) {
            (true, 8) => self.run::<S, 8, 3>(simd),
            (true, 4) => self.run::<S, 4, 6>(simd),
            (true, _) => self.run::<S, 1, 8>(simd),
            (false, 4) => self.run::<S, 4, 3>(simd),
            (false, _) => self.run::<S, 1, 4>(simd),
        }
    }
}
