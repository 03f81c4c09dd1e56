//! What a run leaves behind for others to read, and the colours that maps are shown in.

pub mod colour_map;
pub mod tensorboard;
