//! What a run or an inspection leaves behind for others to read, and the colours it is shown in.

pub mod colour_map;
pub mod inspection;
pub mod tensorboard;
