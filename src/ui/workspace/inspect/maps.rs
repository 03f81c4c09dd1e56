//! The colours of the maps.

/// How a map's values become colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColourMap {
    /// From black through red and orange to pale yellow, of steadily rising lightness.
    Ember,
    /// From black to white.
    Grey,
    /// From blue through grey to orange, for values with a sign.
    Signed,
}

/// A colour map as a table: the least value first.
pub fn table(map: ColourMap) -> [[u8; 3]; 256] {
    const EMBER: [[f32; 3]; 6] = [
        [2.0, 2.0, 6.0],
        [52.0, 14.0, 74.0],
        [132.0, 26.0, 92.0],
        [208.0, 62.0, 62.0],
        [248.0, 142.0, 52.0],
        [252.0, 244.0, 190.0],
    ];
    const SIGNED: [[f32; 3]; 5] =
        [[90.0, 190.0, 250.0], [38.0, 92.0, 150.0], [38.0, 38.0, 38.0], [160.0, 84.0, 20.0], [250.0, 176.0, 70.0]];
    let stops: &[[f32; 3]] = match map {
        ColourMap::Ember => &EMBER,
        ColourMap::Grey => &[[0.0; 3], [255.0; 3]],
        ColourMap::Signed => &SIGNED,
    };
    std::array::from_fn(|i| {
        let at = i as f32 / 255.0 * (stops.len() - 1) as f32;
        let low = (at as usize).min(stops.len() - 2);
        let share = at - low as f32;
        std::array::from_fn(|c| (stops[low][c] * (1.0 - share) + stops[low + 1][c] * share).round() as u8)
    })
}
