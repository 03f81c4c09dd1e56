//! A convolution every vector of whose sums is written straight to where it belongs: maps whose images lie side by side in
//! each pixel, or whose lines are whole vectors.

use pulp::{Arch, Simd, WithSimd};

use super::{
    correlate::{Bias, GROUP, TileShape, Weights, is_wide, store, tile},
    geometry::{Grid, LANES},
    memory::fresh,
    threads::{MULTIPLIED, each},
};

/// Pieces of work for each thread, so that threads of different speed are even.
const SHARES: usize = 4;

/// What comes out: `[channels, height, width, batch]`, or `[batch, channels, height, width]` on a grid of image after image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Out {
    pub channels: usize,
    pub size: [usize; 2],
    /// Pixels from one position of the grid to the next.
    pub stride: usize,
    /// Pixel shuffle: four rows of weights share a channel, one for each phase.
    pub shuffle: bool,
}

impl Out {
    /// Whether every vector on this grid lies in one piece where it belongs.
    pub fn is_direct(&self, grid: &Grid) -> bool {
        // A single line is not shared out, and belongs to a dense layer.
        let lines = grid.pixel() == 1 && self.size[0] > 1 && self.size[1].is_multiple_of(LANES);
        grid.is_by_pixels() || lines && self.stride == 1
    }

    /// Rows of weights of one channel.
    fn every(&self) -> usize {
        if self.shuffle { 4 } else { 1 }
    }
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
    let shape = TileShape::of(outputs);
    let images = grid.images();
    let line = out.size[1] * grid.pixel();
    let plane = out.size[0] * line;
    let mut maps = fresh(images * out.channels * plane);
    let rows = rows_at_once(grid, shape);
    let panels = outputs.div_ceil(shape.rows);
    let blocks = grid.size()[0].div_ceil(rows);
    // All panels of a block together, where there are blocks enough to be shared out.
    let together = panels.div_ceil((SHARES * rayon::current_num_threads()).div_ceil((images * blocks).max(1)));
    let shares = panels.div_ceil(together);
    let mut items: Vec<Vec<&mut [f32]>> =
        (0..images * blocks * shares).map(|_| Vec::with_capacity(together * shape.rows / out.every())).collect();
    for (i, plane) in maps.chunks_exact_mut(plane).enumerate() {
        let (image, panel) = (i / out.channels, i % out.channels * out.every() / shape.rows);
        for (block, part) in plane.chunks_mut(rows * out.stride * line).enumerate() {
            items[(image * blocks + block) * shares + panel / together].push(part);
        }
    }
    let taps: usize = phases.iter().map(|p| p.offsets.len()).sum();
    let worth = images * outputs * taps * grid.size()[0] * grid.size()[1] * grid.pixel() > MULTIPLIED;
    let arch = Arch::new();
    each(items.into_iter().enumerate(), worth, |(i, outs)| {
        let (image, block, panel) = (i / shares / blocks, i / shares % blocks, i % shares * together);
        arch.dispatch(Run { x, grid, phases, bias, slope, out, image, rows, first: block * rows, panel, outs });
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

/// Some rows of some panels' channels.
struct Run<'a> {
    x: &'a [f32],
    grid: &'a Grid,
    phases: &'a [Phase<'a>],
    bias: &'a Bias,
    slope: f32,
    out: Out,
    image: usize,
    /// The first row, and how many.
    first: usize,
    rows: usize,
    /// The first panel.
    panel: usize,
    /// The rows of each channel.
    outs: Vec<&'a mut [f32]>,
}

impl Run<'_> {
    /// From where every vector is read, and where it belongs, from the first row on.
    fn places(&self, [ry, rx]: [usize; 2], lanes: usize) -> Vec<[usize; 2]> {
        let Self { grid, out, first, rows, .. } = self;
        let pixel = grid.pixel();
        let [height, width] = [0, 1].map(|axis| {
            let has = out.size[axis].saturating_sub([ry, rx][axis]).div_ceil(out.stride);
            grid.size()[axis].min(has)
        });
        // Positions that follow each other where they are read and where they belong. By groups of the same images, whose
        // neighbours share what they read, larger batches take longer: what they read lies in too few of the cache's sets.
        let run = if out.stride == 1 { width } else { 1 };
        let mut places = Vec::with_capacity(rows * width * pixel / lanes);
        for row in *first..(first + rows).min(height) {
            for column in (0..width).step_by(run.max(1)) {
                let from = grid.at(self.image, row, column);
                let to = (((row - first) * out.stride + ry) * out.size[1] + column * out.stride + rx) * pixel;
                places.extend((0..run * pixel).step_by(lanes).map(|lane| [from + lane, to + lane]));
            }
        }
        places
    }

    #[inline(always)]
    fn run<S: Simd, const M: usize, const V: usize>(mut self, simd: S) {
        let (zero, slope) = (simd.splat_f32s(0.0), simd.splat_f32s(self.slope));
        let (pixel, width, every) = (self.grid.pixel(), self.out.size[1], self.out.every());
        for phase in self.phases {
            let places = self.places(phase.first, S::F32_LANES);
            // A group of tiles for all panels: what these read stays in the cache.
            for group in places.chunks(GROUP * V) {
                for (p, outs) in self.outs.chunks_mut(M / every).enumerate() {
                    let panel = self.panel + p;
                    let weights = phase.weights.panel(panel);
                    for tiles in group.chunks(V) {
                        let mut bases = [0; V];
                        for (j, base) in bases.iter_mut().enumerate() {
                            *base = tiles[j.min(tiles.len() - 1)][0];
                        }
                        let mut sums = [[zero; V]; M];
                        for (m, sums) in sums.iter_mut().enumerate() {
                            for j in 0..V {
                                sums[j] = self.bias.vector(simd, panel * M + m, bases[j], pixel);
                            }
                        }
                        let sums = tile::<S, M, V>(simd, self.x, weights, phase.offsets, bases, sums);
                        for (m, sums) in sums.iter().enumerate() {
                            let Some(out) = outs.get_mut(m / every) else { break };
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
