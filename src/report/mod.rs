//! What a run leaves behind for others to read.

pub mod tensorboard;
